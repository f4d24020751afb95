import { SHARED } from '../../lib/engine/api/capacity.js';
import { SIGN_MS } from '../../lib/engine/store/lock-queue.js';
import { ALIVE_MS } from '../../lib/engine/store/lock-store.js';
import { bootOf, capacityIn, claimIn, fencesIn, isToken } from '../../lib/engine/store/token.js';
import { MARKER, NOBODY } from '../../lib/redis/scripts/define-script.js';
import { SIGN_UNIT } from '../../lib/redis/scripts/shared.script.js';
import type { Keyspace } from './keyspace.js';

/** The keys of one lock. */
export interface ReferenceKeys {
  readonly counter: string;
  readonly lock: string;
  readonly queue: string;
  readonly alive: string;
  readonly holders: string;
  readonly channel: string;
}

/** A lock's key, and how many live holders its marker stands for; both `undefined`: nobody holds it. */
type Occupants = readonly [value: string | undefined, count: number | undefined];

const FREE: Occupants = [undefined, undefined];

/** Numbers and lease of a grant to the caller itself. */
export type Terms = readonly [first: number, last: number, claim: number];

/**
 * The parts of the scripts, once more and in another language: what the simulated servers do, and what the
 * real ones are compared with. It is written from the headers of `lib/redis/scripts`, one lock at a time.
 */
export class ReferenceLock {
  readonly now: number;

  constructor(
    readonly db: Keyspace,
    readonly us: number,
    readonly keys: ReferenceKeys,
    private readonly publish: (channel: string, message: string) => boolean,
  ) {
    this.now = Math.floor(us / 1000);
  }

  get value(): string | undefined {
    return this.db.get(this.keys.lock);
  }

  mint(count: number, floor?: number): [first: number, last: number] {
    const { counter } = this.keys;
    const issued = this.db.get(counter);
    const isAhead = floor !== undefined && (floor > this.us || issued !== undefined);
    let last = isAhead ? floor : this.us;
    let first = last - count + 1;
    const before = Number(issued ?? 0);
    if (before >= first) [first, last] = [before + 1, before + count];
    this.db.set(counter, String(last));
    return [first, last];
  }

  tell(token: string, note: string): boolean {
    return this.publish(this.keys.channel + bootOf(token), note);
  }

  report(token: string, callers: number): void {
    const { alive } = this.keys;
    this.db.zadd(
      alive,
      (this.now + ALIVE_MS) * SIGN_UNIT + Math.min(callers, SIGN_UNIT - 1),
      token,
    );
    this.db.pexpire(alive, 4 * ALIVE_MS);
  }

  keepQueue(): void {
    this.db.pexpire(this.keys.queue, 4 * ALIVE_MS);
  }

  holds(token: string): boolean {
    const { value } = this;
    if (value === token) return true;
    if (value === undefined || value !== markerOf(token)) return false;
    return (this.db.zscore(this.keys.holders, token) ?? 0) > this.now;
  }

  prolong(token: string, lease: number): void {
    const { lock, holders } = this.keys;
    const keyLease = Math.max(lease, this.db.pttl(lock));
    this.db.pexpire(lock, keyLease);
    if (markerOf(token) === undefined) return;
    const end = Math.max(this.now + lease, this.db.zscore(holders, token) ?? 0);
    this.db.zadd(holders, end, token);
    this.db.pexpire(holders, keyLease);
  }

  /** Who holds the lock, the dead among several left out. */
  occupants(): Occupants {
    const { value } = this;
    if (value === undefined || !value.startsWith(MARKER)) return [value, undefined];
    const live = this.#beside().length;
    return live > 0 ? [value, live] : FREE;
  }

  admits(token: string, [value, count]: Occupants): boolean {
    if (value === undefined) return true;
    return count !== undefined && markerOf(token) === value && count < capacityIn(token);
  }

  admit(token: string, lease: number, value: string | undefined): void {
    const { db } = this;
    const { lock, holders } = this.keys;
    const marker = markerOf(token);
    if (marker === undefined) return db.set(lock, token, Math.trunc(lease));
    if (value === undefined) {
      db.del(holders);
      db.set(lock, marker, Math.trunc(lease));
    } else db.pexpire(lock, Math.max(lease, db.pttl(lock)));
    db.zadd(holders, this.now + lease, token);
    db.pexpire(holders, db.pttl(lock));
  }

  leave(token: string): Occupants {
    const { value } = this;
    if (value === token) return FREE;
    this.db.zrem(this.keys.holders, token);
    return this.settle(value);
  }

  settle(value: string | undefined): Occupants {
    const { db } = this;
    const { lock, holders } = this.keys;
    for (const [token, end] of db.zrange(holders)) if (end <= this.now) db.zrem(holders, token);
    const last = db.zrange(holders).at(-1);
    if (last === undefined) return FREE;
    db.pexpire(lock, last[1] - this.now);
    db.pexpire(holders, last[1] - this.now);
    return [value, db.zcard(holders)];
  }

  earliestEnd(): number {
    return (this.#beside()[0]?.[1] ?? this.now) - this.now;
  }

  leaseLeft(token: string, [value, count]: Occupants): number {
    const isOneOfSeveral = count !== undefined && markerOf(token) === value;
    return isOneOfSeveral ? this.earliestEnd() : this.db.pttl(this.keys.lock);
  }

  /** Asks the first in line for a sign of life where it alone keeps a token out; returns when to ask again. */
  doubtFirst(token: string, occupants: Occupants): number | undefined {
    const head = this.db.zrange(this.keys.queue)[0]?.[0];
    if (occupants[1] === undefined || !this.admits(token, occupants)) return undefined;
    if (head === undefined || head === token) return undefined;
    const isHeard = this.tell(head, `recheck 0 ${head} ${this.keys.lock}`);
    const score = this.db.zscore(this.keys.alive, head) ?? 0;
    const until = (this.now + (isHeard ? SIGN_MS : -1)) * SIGN_UNIT + (score % SIGN_UNIT);
    if (until < score) this.db.zadd(this.keys.alive, until, head);
    return isHeard ? SIGN_MS : 0;
  }

  shown([value, count]: Occupants): string {
    const one = count === undefined ? value : this.db.zrange(this.keys.holders)[0]?.[0];
    const holder = one ?? NOBODY;
    if (holder.startsWith(NOBODY)) return NOBODY;
    return isToken(holder) ? holder : '';
  }

  tellHolders(note: string, [value, count]: Occupants): void {
    const tokens =
      count === undefined ? [value] : this.db.zrange(this.keys.holders).map(([token]) => token);
    for (const token of tokens.slice(0, 16))
      if (token !== undefined && isToken(token))
        this.tell(token, `${note} ${token} ${this.keys.lock}`);
  }

  /** The capacity of those who hold the lock, or wait for it, when the token's own never gets along with it. */
  conflict(token: string): number | undefined {
    const mine = capacityOf(token);
    const theirs =
      capacityOf(this.value) ?? capacityOf(this.db.zrange(this.keys.queue).at(-1)?.[0]);
    if (theirs === undefined || theirs === mine) return undefined;
    const waits = (mine === 1 || mine === SHARED) && (theirs === 1 || theirs === SHARED);
    return waits ? undefined : theirs;
  }

  isAlive(token: string): boolean {
    return (this.db.zscore(this.keys.alive, token) ?? 0) > this.now * SIGN_UNIT;
  }

  /** Hands over to the first that are alive and listen, as long as they get along with the holders. */
  promote(own: string | undefined, occupants: Occupants): { occupants: Occupants; mine?: Terms } {
    const { db } = this;
    const { lock, queue, alive } = this.keys;
    let held = occupants;
    let mine: Terms | undefined;
    for (let [head] = db.zrange(queue); head !== undefined; [head] = db.zrange(queue)) {
      const [token] = head;
      const lives = this.isAlive(token);
      if (held[0] !== undefined && held[1] === undefined) break;
      if (held[0] !== undefined && lives && !this.admits(token, held)) break;
      db.zrem(queue, token);
      db.zrem(alive, token);
      if (!lives) continue;
      const terms = this.#give(token, own, held[0]);
      const marker = markerOf(token);
      if (terms !== undefined) {
        held = [marker ?? token, marker === undefined ? undefined : (held[1] ?? 0) + 1];
        if (token === own) mine = terms;
      } else if (marker !== undefined) db.zrem(this.keys.holders, token);
    }
    if (held[0] === undefined) {
      db.del(lock);
      db.del(alive);
    } else if (db.zcard(queue) === 1) this.keepQueue();
    return mine === undefined ? { occupants: held } : { occupants: held, mine };
  }

  /** @returns What was given, when it was heard. */
  #give(token: string, own: string | undefined, value: string | undefined): Terms | undefined {
    const claim = claimIn(token);
    const [first, last] = this.mint(fencesIn(token));
    this.admit(token, claim, value);
    const behind = this.db.zcard(this.keys.queue);
    const message = `grant ${first} ${last} ${this.now + claim} ${this.us} ${behind} ${token} ${this.keys.lock}`;
    return token === own || this.tell(token, message) ? [first, last, claim] : undefined;
  }

  #beside(): readonly (readonly [string, number])[] {
    return this.db.zrange(this.keys.holders).filter(([, end]) => end > this.now);
  }
}

/** What the lock's key says when this token is among several; `undefined`: it is exclusive. */
function markerOf(token: string): string | undefined {
  return token[27] === 'C' ? MARKER + token.slice(28, 35) : undefined;
}

function capacityOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (value.startsWith(MARKER)) return Number(value.slice(MARKER.length));
  if (value === NOBODY) return 1;
  return isToken(value) ? capacityIn(value) : undefined;
}
