import type { SaleResult } from '../rush/sale-result.js';
import { oversoldBy } from '../rush/sale-result.js';

/** What all sales of a storm came to. */
export class StormTally {
  readonly results: SaleResult[] = [];
  private readonly locked: SaleResult[] = [];
  private readonly unlocked: SaleResult[] = [];

  add(result: SaleResult, locked: boolean): void {
    this.results.push(result);
    (locked ? this.locked : this.unlocked).push(result);
  }

  /** Whether every sale with the lock sold the stock, no more and no less. */
  get lockedSalesWereExact(): boolean {
    return this.locked.every((result) => oversoldBy(result) === 0);
  }

  verdict(): string {
    const exact = this.locked.filter((result) => oversoldBy(result) === 0).length;
    const oversold = this.unlocked.filter((result) => oversoldBy(result) > 0).length;
    return [
      `With the lock ${exact} of ${this.locked.length} sales sold exactly the stock.`,
      `Without it ${oversold} of ${this.unlocked.length} were oversold.`,
      ...(oversold === 0 ? ['Nothing overlapped: that proves little. Try more buyers.'] : []),
    ].join('\n');
  }
}
