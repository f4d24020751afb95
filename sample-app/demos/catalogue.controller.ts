import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';
import { Activity } from './activity.js';

const READ_MS = 800;
const REBUILD_MS = 1500;

/** Readers beside readers; a rebuild waits for those who read, and the next readers for the rebuild. */
@Controller('demos/catalogue')
export class CatalogueController {
  constructor(private readonly activity: Activity) {}

  @Get()
  @Locked('catalogue', { mode: 'shared' })
  async read(): Promise<string> {
    this.activity.tell('reads the catalogue, beside all that read it');
    await delay(READ_MS);
    return 'read';
  }

  @Post('rebuild')
  @HttpCode(200)
  @Locked('catalogue')
  async rebuild(): Promise<string> {
    this.activity.tell('rebuilds the catalogue, alone');
    await delay(REBUILD_MS);
    this.activity.tell('has rebuilt the catalogue');
    return 'rebuilt';
  }
}
