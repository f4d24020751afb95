import type { LeaseTerms } from '../store/lease-terms.js';
import type { Yield } from '../store/yield.js';

/** What a tenure begins with. */
export interface TenureGrant {
  readonly token: string;
  readonly ttl: number;
  readonly terms: LeaseTerms;
  /** Until when a holder before wanted the lock to stay locked: the rest of its `minHold`. */
  readonly keptUntil?: number;
}

/** The gate that a tenure is of. */
export interface TenureOwner<Tenure> {
  readonly key: string;
  /** Places that this process has in the store's queue. */
  readonly places: number;
  /** Callers that this tenure reports to the store as waiting behind it. */
  behind(tenure: Tenure): number;
  /** Redis has the lock under the tenure's token. */
  held(): void;
  /** The callers in line may hope for another lease than before. */
  changed(): void;
  /** Called once, after what ends the tenure is on its way to the store. */
  ended(tenure: Tenure, yields?: Yield): void;
}
