/** Puts one token in the place of another one that holds a lock: to detach it, or to attach it elsewhere. */
export interface MoveCommand {
  readonly key: string;
  /** The token that holds the lock. */
  readonly from: string;
  /** The token that holds it from then on; of the same capacity. */
  readonly to: string;
  readonly ttl: number;
  /** After this moment the command must not act. */
  readonly until: number;
  /** `from` goes on holding the lock, and `to` does so beside it: one of several callers goes. */
  readonly beside: boolean;
}

export type MoveReply = { readonly sentAt: number } & (
  | {
      readonly kind: 'held';
      /** Processes that wait for the lock. */
      readonly queue: number;
      /** What was left of the lease; `undefined`: `to` had the lock already. */
      readonly leaseLeft?: number | undefined;
    }
  /** Neither of the two holds the lock. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'stale' }
);
