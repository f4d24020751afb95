import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Sale } from './sale.js';
import { StockRepository } from './stock.repository.js';

/** What a round trip to a database takes; without it no two requests would ever overlap here. */
const ROUND_TRIP_MS = 1;

/** Keeps the stock in this process. */
@Injectable()
export class MemoryStockRepository extends StockRepository {
  private readonly sales = new Map<string, Sale>();

  async find(sku: string): Promise<Sale | null> {
    await delay(ROUND_TRIP_MS);
    return this.sales.get(sku) ?? null;
  }

  async writeLeft(sku: string, left: number): Promise<void> {
    await delay(ROUND_TRIP_MS);
    this.sales.set(sku, { ...this.known(sku), left });
  }

  async countOrder(sku: string): Promise<number> {
    await delay(ROUND_TRIP_MS);
    const sale = this.known(sku);
    const orders = sale.orders + 1;
    this.sales.set(sku, { ...sale, orders });
    return orders;
  }

  async reset(sku: string, stock: number): Promise<void> {
    await delay(ROUND_TRIP_MS);
    this.sales.set(sku, { sku, stock, left: stock, orders: 0 });
  }

  private known(sku: string): Sale {
    const sale = this.sales.get(sku);
    if (sale === undefined) throw new Error(`There is no sale of ${sku}.`);
    return sale;
  }
}
