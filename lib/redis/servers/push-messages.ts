import type { Grant, StoreListener } from '../../engine/store/lock-store.js';
import { isToken } from '../../engine/store/token.js';
import type { RedisTime } from '../client/redis-time.js';
import type { LockKeys } from '../keys/lock-keys.js';

/** A grant as it was published: times are Redis'. */
export interface GrantMessage {
  readonly token: string;
  readonly lock: string;
  readonly first: number;
  readonly last: number;
  readonly expiresAtMs: number;
  readonly nowUs: number;
  readonly queue: number;
  /** Who waits next behind it, where that is told. */
  readonly next: string | undefined;
  /** Whether the other nodes of a quorum pass the lock on as well. */
  readonly passed: boolean;
}

/** A grant as a server pushed it. */
export type PushedGrant = Grant & Pick<GrantMessage, 'next' | 'passed'>;

/** What listens to the servers: the engine, or the quorum that they are nodes of. */
export interface PushListener extends Omit<StoreListener, 'granted' | 'wanted'> {
  granted(grant: PushedGrant): void;
  /** @param first Who is the first of them. */
  wanted(token: string, queue: number, first: string | undefined): void;
}

const GRANT = /^(grant|passed) (\d+) (\d+) (\d+) (\d+) (\d+) (\S+) (\S+) ([^]+)$/;
const NOTE = /^(wanted|revoked|recheck|doubted) (\d+) (\S+) ([^]+)$/;

/** Hands on what a script published. */
export function deliver(
  message: string,
  time: RedisTime | undefined,
  listener: ServersListener,
): void {
  const grant = readGrant(message);
  if (grant !== undefined) return listener.granted(grant, time);
  const [, kind, amount, token = '', lock = ''] = NOTE.exec(message) ?? [];
  if (kind === 'wanted') listener.wanted(token, Number(amount), told(lock.split(' ', 1)[0]));
  else if (kind === 'revoked') listener.revoked(token);
  else if (kind === 'recheck') listener.recheck(token, Number(amount));
  else if (kind === 'doubted') listener.doubted(token, lock);
}

/** Reads what `promote` published; `undefined`: another message. */
export function readGrant(message: string): GrantMessage | undefined {
  const fields = GRANT.exec(message);
  if (fields === null) return undefined;
  const [first = 0, last = 0, expiresAtMs = 0, nowUs = 0, queue = 0] = fields
    .slice(2, 7)
    .map(Number);
  const [next, token = '', lock = ''] = fields.slice(7);
  const passed = fields[1] === 'passed';
  return { token, lock, first, last, expiresAtMs, nowUs, queue, next: told(next), passed };
}

/** Who is named; `~` and what is no token of ours name nobody. */
function told(token: string | undefined): string | undefined {
  return token !== undefined && isToken(token) ? token : undefined;
}

/**
 * Maps a grant to our clock. A push has no age: it counts only on a time base of our own, and only
 * when its own moment does not contradict it by lying in the future (Redis' clock has stepped).
 */
export function toGrant(
  message: GrantMessage,
  time: RedisTime | undefined,
  keys: LockKeys,
): PushedGrant {
  const { token, lock, first, last, expiresAtMs, nowUs, queue, next, passed } = message;
  const now = time?.now ?? 0;
  const pushedAt = time?.toLocal(nowUs / 1000, now);
  const contradicted = pushedAt !== undefined && pushedAt > now;
  if (contradicted) time?.reset();
  const expiresAt = contradicted ? undefined : time?.toLocal(expiresAtMs, now);
  const key = keys.keyOf(lock);
  return { key, token, fences: { next: first, last }, queue, expiresAt, next, passed };
}

/** What comes from the servers unasked. */
export interface ServersListener extends Pick<
  StoreListener,
  'revoked' | 'recheck' | 'reconnected' | 'unreachable'
> {
  /** @param first Who is the first of them. */
  wanted(token: string, queue: number, first: string | undefined): void;
  /** @param time The sender's clock; `undefined` when it can't be told whose it is. */
  granted(message: GrantMessage, time: RedisTime | undefined): void;
  doubted(token: string, lock: string): void;
}
