import { setTimeout as delay } from 'node:timers/promises';
import { ConflictException, Injectable, NotFoundException } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';
import type { Order, Sale } from './sale.js';
import { StockRepository } from './stock.repository.js';

/** How long the payment takes: the gap between reading what is left and writing it. */
const PAYMENT_MS = 5;

/** Sells what is in stock, one item an order. */
@Injectable()
export class SalesService {
  constructor(private readonly stock: StockRepository) {}

  async find(sku: string): Promise<Sale> {
    const sale = await this.stock.find(sku);
    if (sale === null) throw new NotFoundException(`There is no sale of ${sku}.`);
    return sale;
  }

  /**
   * Sells one item: read, pay, write. Two calls that overlap read the same number and sell the
   * same item; the caller holds the lock on `stock:<sku>`, or shows what happens without.
   *
   * @throws {ConflictException} Nothing is left.
   */
  async sell(sku: string, buyer: string): Promise<Order> {
    const { left } = await this.find(sku);
    if (left <= 0) throw new ConflictException(`${sku} is sold out.`);
    await delay(PAYMENT_MS);
    await this.stock.writeLeft(sku, left - 1);
    return { sku, buyer, number: await this.stock.countOrder(sku), pid: process.pid };
  }

  /** Begins the sale anew. Waits for an order under way, which would write its own number over it. */
  @Locked('stock:{0}')
  async reset(sku: string, stock: number): Promise<Sale> {
    await this.stock.reset(sku, stock);
    return this.find(sku);
  }
}
