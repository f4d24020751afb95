import { randomBytes } from 'node:crypto';
import type { SaleResult } from '../rush/sale-result.js';
import { sumUp } from '../rush/sale-result.js';
import type { StockRepository } from '../sales/stock.repository.js';
import type { BuyerCrowd } from './buyer-crowd.js';

/** Time for the order to reach every process before the common moment. */
const NOTICE_MS = 500;

export interface StormRush {
  readonly title: string;
  readonly stock: number;
  readonly locked: boolean;
}

/** Begins a sale of its own sku, lets the crowd storm it, and tells what was sold. */
export async function runStormRush(
  crowd: BuyerCrowd,
  repository: StockRepository,
  { title, stock, locked }: StormRush,
): Promise<SaleResult> {
  const sku = `STORM-${randomBytes(4).toString('hex').toUpperCase()}`;
  await repository.reset(sku, stock);
  const at = nextFullSecond(Date.now() + NOTICE_MS);
  const answers = await crowd.rush({ sku, locked, at });
  const tookMs = Date.now() - at;
  const orders = (await repository.find(sku))?.orders ?? 0;
  return sumUp({ title, stock, orders, tookMs, answers });
}

function nextFullSecond(afterMs: number): number {
  return Math.ceil(afterMs / 1000) * 1000;
}
