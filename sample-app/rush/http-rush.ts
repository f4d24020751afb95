import type { SaleResult } from './sale-result.js';
import { sumUp } from './sale-result.js';
import type { ShopClient } from './shop-client.js';

export interface HttpRush {
  readonly sku: string;
  readonly stock: number;
  readonly buyers: number;
  /** Whether the buyers use the route with `@Locked` or its twin without. */
  readonly locked: boolean;
}

/** Begins a sale, lets all buyers order at the same time, and tells what was sold. */
export async function runHttpRush(shop: ShopClient, rush: HttpRush): Promise<SaleResult> {
  const { sku, stock, buyers, locked } = rush;
  await shop.reset(sku, stock);
  const startedAt = performance.now();
  const answers = await Promise.all(
    Array.from({ length: buyers }, (_, i) => shop.buy(sku, `buyer-${i + 1}`, locked)),
  );
  const tookMs = performance.now() - startedAt;
  const { orders } = await shop.find(sku);
  return sumUp({ title: locked ? 'with lock' : 'without lock', stock, orders, tookMs, answers });
}
