import { setTimeout as delay } from 'node:timers/promises';
import { ConflictException, Injectable } from '@nestjs/common';
import { LockService } from 'nestjs-redis-lock';
import type { Answer } from '../rush/answer.js';
import { SalesService } from '../sales/sales.service.js';
import type { BuyOrder } from './storm-messages.js';

/** With slow processors the last of many buyers waits longer than the default of 10 s. */
const LONGEST_WAIT = '30s';

/** One buyer, alone in its process. */
@Injectable()
export class Buyer {
  private readonly name = `process ${process.pid}`;

  constructor(
    private readonly locks: LockService,
    private readonly sales: SalesService,
  ) {}

  /** Opens the connections, so that the sale does not measure that. */
  async warmUp(): Promise<void> {
    await this.locks.withLock(`warm-up:${process.pid}`, () => {}, { wait: LONGEST_WAIT });
  }

  /** Waits for the common moment, then tries to buy one item; never throws. */
  async buy({ sku, locked, at }: BuyOrder): Promise<Answer> {
    await delay(Math.max(0, at - Date.now()));
    const askedAt = performance.now();
    const answered = await this.order(sku, locked);
    return { ...answered, waitedMs: performance.now() - askedAt };
  }

  private async order(sku: string, locked: boolean): Promise<Omit<Answer, 'waitedMs'>> {
    const sell = () => this.sales.sell(sku, this.name);
    try {
      if (locked) await this.locks.withLock(`stock:${sku}`, sell, { wait: LONGEST_WAIT });
      else await sell();
      return { outcome: 'bought' };
    } catch (error) {
      if (error instanceof ConflictException) return { outcome: 'sold out' };
      return { outcome: 'failed', reason: String(error) };
    }
  }
}
