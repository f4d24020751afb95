import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, StreamableFile } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';
import { Activity } from './activity.js';

const ROWS = 20;
const ROW_MS = 100;

/** A download that holds its lock until its last byte has been sent, or its reader has left. */
@Controller('demos/export')
export class ExportController {
  constructor(private readonly activity: Activity) {}

  @Get()
  @Locked('export')
  export(): StreamableFile {
    this.activity.tell('exports; the next export waits until the last row is sent');
    return new StreamableFile(Readable.from(this.rows()), { type: 'text/csv' });
  }

  private async *rows(): AsyncGenerator<string> {
    yield 'order,buyer\n';
    for (let row = 1; row <= ROWS; row += 1) {
      await delay(ROW_MS);
      yield `${row},buyer-${row}\n`;
    }
    this.activity.tell('has sent the export');
  }
}
