/** A sale as it stands. `orders` is counted apart from `left`, so that overselling shows. */
export interface Sale {
  readonly sku: string;
  /** Items that the sale began with. */
  readonly stock: number;
  /** Items left, as last written. */
  readonly left: number;
  /** Orders taken; more than `stock` when the sale was oversold. */
  readonly orders: number;
}

/** An order that was taken. */
export interface Order {
  readonly sku: string;
  readonly buyer: string;
  /** The how-manieth order of its sale this is. */
  readonly number: number;
  /** The process that took it. */
  readonly pid: number;
}
