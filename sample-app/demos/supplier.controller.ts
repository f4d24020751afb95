import { Controller, HttpCode, Post } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';
import { Activity } from './activity.js';

/** A supplier that takes two calls a second, of all processes together. */
@Controller('demos/supplier')
export class SupplierController {
  constructor(private readonly activity: Activity) {}

  /** A permit stays taken for a second, though the call is over before. */
  @Post()
  @HttpCode(200)
  @Locked('supplier', { permits: 2, minHold: '1s' })
  async call(): Promise<string> {
    this.activity.tell('calls the supplier: two calls a second, of all processes');
    return 'called';
  }
}
