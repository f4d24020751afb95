/** What one buyer was told. */
export interface Answer {
  readonly outcome: 'bought' | 'sold out' | 'failed';
  /** From asking to the answer. */
  readonly waitedMs: number;
  /** Which order of the sale it is, when it was bought. */
  readonly number?: number;
  /** The process that took the order. */
  readonly pid?: number;
  /** Why it failed. */
  readonly reason?: string;
}
