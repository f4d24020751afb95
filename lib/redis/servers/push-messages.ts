import type { Grant, StoreListener } from '../../engine/store/lock-store.js';
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
}

const GRANT = /^grant (\d+) (\d+) (\d+) (\d+) (\d+) (\S+) ([^]+)$/;
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
  if (kind === 'wanted') listener.wanted(token, Number(amount));
  else if (kind === 'revoked') listener.revoked(token);
  else if (kind === 'recheck') listener.recheck(token, Number(amount));
  else if (kind === 'doubted') listener.doubted(token, lock);
}

/** Reads what `promote` published; `undefined`: another message. */
export function readGrant(message: string): GrantMessage | undefined {
  const fields = GRANT.exec(message);
  if (fields === null) return undefined;
  const [first = 0, last = 0, expiresAtMs = 0, nowUs = 0, queue = 0] = fields
    .slice(1, 6)
    .map(Number);
  const [token = '', lock = ''] = fields.slice(6);
  return { token, lock, first, last, expiresAtMs, nowUs, queue };
}

/**
 * Maps a grant to our clock. A push has no age: it counts only on a time base of our own, and only
 * when its own moment does not contradict it by lying in the future (Redis' clock has stepped).
 */
export function toGrant(message: GrantMessage, time: RedisTime | undefined, keys: LockKeys): Grant {
  const { token, lock, first, last, expiresAtMs, nowUs, queue } = message;
  const now = time?.now ?? 0;
  const pushedAt = time?.toLocal(nowUs / 1000, now);
  const contradicted = pushedAt !== undefined && pushedAt > now;
  if (contradicted) time?.reset();
  const expiresAt = contradicted ? undefined : time?.toLocal(expiresAtMs, now);
  const key = keys.keyOf(lock);
  return { key, token, fences: { next: first, last }, queue, expiresAt };
}

/** What comes from the servers unasked. */
export interface ServersListener extends Pick<
  StoreListener,
  'wanted' | 'revoked' | 'recheck' | 'reconnected' | 'unreachable' | 'troubled'
> {
  /** @param time The sender's clock; `undefined` when it can't be told whose it is. */
  granted(message: GrantMessage, time: RedisTime | undefined): void;
  doubted(token: string, lock: string): void;
}
