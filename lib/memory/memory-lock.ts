/** A waiting token at one key. */
export interface MemoryWaiter {
  readonly token: string;
  readonly boot: string;
  readonly ticket: number;
  callers: number;
  aliveUntil: number;
}

/** One who holds a lock; nobody, while only a `minHold` runs on, has a token that begins with `~`. */
export interface MemoryHolder {
  readonly token: string;
  expiresAt: number;
  /** Callers that wait in the holder's own process. */
  behind: number;
}

/** A lock that is held. */
export interface MemoryLock {
  /** How many may hold it beside each other; `undefined`: another library holds it, which tells nobody. */
  readonly capacity: number | undefined;
  readonly holders: Map<string, MemoryHolder>;
}
