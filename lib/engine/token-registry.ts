import type { Grant, StoreListener } from './lock-store.js';
import type { Releaser } from './releaser.js';
import { Attempt } from './attempt.js';
import { Tenure } from './tenure.js';
import { MAX_CLAIM_MS } from './token.js';

/** Knows who uses each token of this process, and takes what the store sends unasked to them. */
export class TokenRegistry implements Omit<StoreListener, 'reconnected'> {
  readonly #users = new Map<string, Attempt | Tenure>();

  constructor(private readonly releaser: Releaser) {}

  watch(token: string, user: Attempt | Tenure): void {
    this.#users.set(token, user);
  }

  forget(token: string): void {
    this.#users.delete(token);
  }

  knows(token: string): boolean {
    return this.#users.has(token);
  }

  /** A grant for a token that nobody here uses any more is given back: the ghost rule. */
  granted(grant: Grant): void {
    const user = this.#users.get(grant.token);
    if (user === undefined) this.releaser.discard(grant.key, grant.token, MAX_CLAIM_MS);
    else if (user instanceof Attempt) user.granted(grant);
  }

  wanted(token: string, queue: number): void {
    const user = this.#users.get(token);
    if (user instanceof Tenure) user.wanted(queue);
  }

  revoked(token: string): void {
    const user = this.#users.get(token);
    if (user instanceof Tenure) user.revoked();
  }

  recheck(token: string, inMs: number): void {
    const user = this.#users.get(token);
    if (user instanceof Attempt) user.recheck(inMs);
  }
}
