/** How often each fault may happen in one run. */
export interface FaultBudget {
  /** A reply is lost and the command is sent again; its first copy may run at any later moment. */
  readonly resent?: number;
  /** A command is given up as unanswered; it may still run at any later moment, or never. */
  readonly lost?: number;
  /** A deadline passes while its process still waits or works: it, a reply or a push is late. */
  readonly late?: number;
  readonly crash?: number;
  /** A caller gives up its wait. */
  readonly abort?: number;
  /** Redis forgets everything. */
  readonly dataLoss?: number;
  /** A replica takes over that lacks the last command. */
  readonly failover?: number;
  /** Redis' clock steps forward: a lease ends early. */
  readonly clockForward?: number;
  /** Redis' clock steps back: a new place would come before older ones. */
  readonly clockBack?: number;
  /** A waiter's sign of life is too old though it lives. */
  readonly deaf?: number;
}

/** Rules that are left out on purpose: each must be caught. */
export interface BrokenRules {
  /** A pushed grant is started on whatever its age (F1). */
  readonly startsOnAnyGrant?: boolean;
  /** A reply counts though its lease is over (F2). */
  readonly takesLateReplies?: boolean;
  /** Acquire does not know its own token (F4). */
  readonly acquireIsNotIdempotent?: boolean;
  /** Every attempt of a process has one token (F3). */
  readonly reusesTokens?: boolean;
  /** The number of an old grant is used once its token is confirmed (F13). */
  readonly matchesGrantsByToken?: boolean;
  /** The lock passes inside a process though its lease is over. */
  readonly passesWithoutLease?: boolean;
  /** After Redis' clock stepped back a new place comes before older ones. */
  readonly placesBeforeTheLast?: boolean;
  /** A release takes the lock from whoever has it. */
  readonly releasesWithoutCompare?: boolean;
  /** Fencing numbers are a bare counter (F19). */
  readonly countsFencesBare?: boolean;
  /** A waiter trusts that it is told, and never asks (F8). */
  readonly neverPolls?: boolean;
  /** A reader enters beside a writer. */
  readonly ignoresCapacity?: boolean;
}

export interface ProtocolSettings {
  /** How many may hold the key beside each other, for each process. */
  readonly capacities: readonly number[];
  /** Tokens that a process may use, one for each attempt. */
  readonly tokens: number;
  /** Callers of each process that want the lock one after another. */
  readonly callers?: number;
  /** Whether holders renew, once a section. */
  readonly renews?: boolean;
  readonly faults?: FaultBudget;
  readonly broken?: BrokenRules;
}

export const FAULTS = [
  'resent',
  'lost',
  'late',
  'crash',
  'abort',
  'dataLoss',
  'failover',
  'clockForward',
  'clockBack',
  'deaf',
] as const satisfies readonly (keyof FaultBudget)[];
