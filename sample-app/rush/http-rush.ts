import type { Answer } from './answer.js';
import { type SaleResult, sumUp } from './sale-result.js';
import type { ShopClient } from './shop-client.js';

export interface HttpRush {
  readonly sku: string;
  readonly stock: number;
  readonly buyers: number;
  /** Whether the buyers use the route with `@Locked` or its twin without. */
  readonly locked: boolean;
}

/**
 * Begins a sale, lets all buyers order at the same time, and tells what was sold.
 *
 * @param onAnswer Hears what each buyer, from 0 on, was told.
 */
export async function runHttpRush(
  shop: ShopClient,
  rush: HttpRush,
  onAnswer: (buyer: number, answer: Answer) => void = () => {},
): Promise<SaleResult> {
  const { sku, stock, buyers, locked } = rush;
  await shop.reset(sku, stock);
  const startedAt = performance.now();
  const buy = async (buyer: number): Promise<Answer> => {
    const answer = await shop.buy(sku, `buyer-${buyer + 1}`, locked);
    onAnswer(buyer, answer);
    return answer;
  };
  const answers = await Promise.all(Array.from({ length: buyers }, (_, buyer) => buy(buyer)));
  const tookMs = performance.now() - startedAt;
  const { orders } = await shop.find(sku);
  return sumUp({ title: locked ? 'with lock' : 'without lock', stock, orders, tookMs, answers });
}
