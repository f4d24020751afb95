/** What one buyer was told. */
export interface Answer {
  readonly outcome: 'bought' | 'sold out' | 'failed';
  /** From asking to the answer. */
  readonly waitedMs: number;
  /** Why it failed. */
  readonly reason?: string;
}
