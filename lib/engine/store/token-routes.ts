import type { Grant, StoreEvents, StoreTrouble } from './lock-store.js';
import type { ReleaseRetrier } from './release-retrier.js';
import { MAX_CLAIM_MS } from './token.js';

/** Who uses a token: to seek a lock, or to hold it. Each hears what concerns it. */
export interface TokenListener {
  granted?(grant: Grant): void;
  recheck?(inMs: number): void;
  wanted?(queue: number): void;
  revoked?(): void;
}

/** What concerns all tokens alike. */
type ConnectionEvents = Required<Pick<StoreEvents, 'unreachable' | 'troubled' | 'reconnected'>>;

/** Knows who uses each token of this process, and takes what the store sends unasked to them. */
export class TokenRoutes implements StoreEvents {
  readonly #users = new Map<string, TokenListener>();

  constructor(
    private readonly releaser: ReleaseRetrier,
    private readonly connection: ConnectionEvents,
  ) {}

  watch(token: string, user: TokenListener): void {
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
    else user.granted?.(grant);
  }

  wanted(token: string, queue: number): void {
    this.#users.get(token)?.wanted?.(queue);
  }

  revoked(token: string): void {
    this.#users.get(token)?.revoked?.();
  }

  /** A lock that nobody here uses any more is given back once more. */
  doubted(token: string, key: string): void {
    if (!this.#users.has(token)) this.releaser.discard(key, token, MAX_CLAIM_MS);
  }

  recheck(token: string, inMs: number): void {
    this.#users.get(token)?.recheck?.(inMs);
  }

  unreachable(trouble: StoreTrouble): void {
    this.connection.unreachable(trouble);
  }

  troubled(trouble: StoreTrouble): void {
    this.connection.troubled(trouble);
  }

  reconnected(): void {
    this.connection.reconnected();
  }
}
