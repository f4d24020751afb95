import type { OnApplicationShutdown } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { Redis } from 'ioredis';
import type { Sale } from './sale.js';
import { StockRepository } from './stock.repository.js';

/** A sale that nobody touches any more leaves Redis after an hour. */
const KEPT_FOR_S = 3600;

/** Keeps the stock in Redis, one hash for each sale, so that several processes share it. */
@Injectable()
export class RedisStockRepository extends StockRepository implements OnApplicationShutdown {
  constructor(private readonly redis: Redis) {
    super();
  }

  async find(sku: string): Promise<Sale | null> {
    const [stock, left, orders] = await this.redis.hmget(keyOf(sku), 'stock', 'left', 'orders');
    if (stock === null || stock === undefined) return null;
    return { sku, stock: Number(stock), left: Number(left), orders: Number(orders) };
  }

  async writeLeft(sku: string, left: number): Promise<void> {
    await this.redis.hset(keyOf(sku), 'left', left);
  }

  async countOrder(sku: string): Promise<number> {
    return this.redis.hincrby(keyOf(sku), 'orders', 1);
  }

  async reset(sku: string, stock: number): Promise<void> {
    const key = keyOf(sku);
    const fields = { stock, left: stock, orders: 0 };
    await this.redis.multi().hset(key, fields).expire(key, KEPT_FOR_S).exec();
  }

  /** The last phase: requests that were under way have ended by then. */
  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}

function keyOf(sku: string): string {
  return `flash-sale:sale:${sku}`;
}
