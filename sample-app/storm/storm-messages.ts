import type { Answer } from '../rush/answer.js';

/** Parent to buyer: try to buy one item of `sku` at `at`. */
export interface BuyOrder {
  readonly sku: string;
  readonly locked: boolean;
  /** The common moment, in milliseconds since the epoch. */
  readonly at: number;
}

/** Buyer to parent. `ready`: connected, waiting for the first order. */
export type BuyerReport =
  { readonly kind: 'ready' } | { readonly kind: 'answer'; readonly answer: Answer };
