import type { Answer } from './answer.js';

/** One rush, summed up. */
export interface SaleResult {
  readonly title: string;
  readonly stock: number;
  /** Orders taken, as counted where the stock is kept. */
  readonly orders: number;
  readonly tookMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Why buyers got neither an item nor "sold out", each reason once. */
  readonly failures: readonly string[];
}

export interface Rush {
  readonly title: string;
  readonly stock: number;
  readonly orders: number;
  readonly tookMs: number;
  readonly answers: readonly Answer[];
}

export function sumUp({ title, stock, orders, tookMs, answers }: Rush): SaleResult {
  const waits = answers.map((answer) => answer.waitedMs).sort((a, b) => a - b);
  const reasons = answers.flatMap((answer) => answer.reason ?? []);
  return {
    title,
    stock,
    orders,
    tookMs,
    p50Ms: percentile(waits, 50),
    p99Ms: percentile(waits, 99),
    failures: [...new Set(reasons)],
  };
}

/** More sold than there was; negative when items were left over. */
export function oversoldBy({ orders, stock }: SaleResult): number {
  return orders - stock;
}

/** The nearest rank: the smallest wait that at least `percent` of the buyers did not exceed. */
function percentile(sorted: readonly number[], percent: number): number {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? 0;
}
