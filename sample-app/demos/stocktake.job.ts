import { Injectable } from '@nestjs/common';
import { Cron } from '@nestjs/schedule';
import { Locked } from 'nestjs-redis-lock';
import { Activity } from './activity.js';

/** A job that every process starts at the same second, and one runs. */
@Injectable()
export class StocktakeJob {
  constructor(private readonly activity: Activity) {}

  /** `minHold` keeps the lock after the short job, for processes whose clocks are late. */
  @Cron('*/15 * * * * *')
  @Locked('stocktake', { ifBusy: 'skip', minHold: '5s' })
  async run(): Promise<void> {
    this.activity.tell('took stock; the other processes skipped it');
  }
}
