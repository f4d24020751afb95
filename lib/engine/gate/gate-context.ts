import type { AcquisitionContext } from '../acquire/acquisition-owner.js';
import type { LockError } from '../api/errors.js';
import type { TenureContext } from '../hold/tenure-context.js';

/** Which gate: a key, and how it is asked for. */
export interface KeyName {
  readonly key: string;
  readonly capacity: number;
}

/** A way to a lock, as all of them are ended and told of the store. */
export interface Gate extends KeyName {
  /** Turns waiters away. */
  clear(error: () => LockError, isMeant: (isInside: boolean) => boolean): void;
  /** Takes the lock from the callers that have it. */
  evict(why: string): void;
  /** The store can't be reached: what was heard of it may be over. */
  unreachable(): void;
  /** The store can be reached again, or pushes may have been missed. */
  reconnected(): void;
}

/** What the gates of one process share. */
export interface GateContext extends AcquisitionContext, TenureContext {
  /** A lock is waited for, or attached, beside the gates of the keys. */
  began(gate: Gate): void;
  /** Nothing happens at this gate any more. */
  emptied(gate: Gate): void;
}
