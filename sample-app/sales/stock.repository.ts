import type { Sale } from './sale.js';

/**
 * Where the stock is kept. Made with a hole on purpose: what is left is read by one call and
 * written by another, and whoever reads in between sees a number that is about to change.
 */
export abstract class StockRepository {
  /** `null`: there is no sale of this sku. */
  abstract find(sku: string): Promise<Sale | null>;
  /** Sets what is left, whatever it is by then. */
  abstract writeLeft(sku: string, left: number): Promise<void>;
  /** Counts one order more, atomically: the truth about how much was sold. */
  abstract countOrder(sku: string): Promise<number>;
  /** Begins the sale anew with `stock` items. */
  abstract reset(sku: string, stock: number): Promise<void>;
}
