import type { Grant, StoreEvents } from '../../engine/store/lock-store.js';
import type { RedisConnection } from '../client/redis-connection.js';
import type { RedisTime } from '../client/redis-time.js';
import type { LockKeys } from '../keys/lock-keys.js';

const GRANT = /^grant (\d+) (\d+) (\d+) (\d+) (\d+) (\S+) ([^]+)$/;
const NOTE = /^(wanted|revoked|recheck|doubted) (\d+) (\S+) ([^]+)$/;

/** Makes events of what scripts publish. */
export class PushMessages {
  /** The receiver of these and all other events of the servers. */
  to: StoreEvents | undefined;

  /** @param replicated Whether replicas must have a grant, of which a push tells nothing: it is asked for. */
  constructor(
    private readonly keys: LockKeys,
    private readonly replicated: boolean,
  ) {}

  /** Reads what comes by another connection than commands: by their clock, when it is the same server. */
  beside(commands: RedisConnection): (text: string, by: RedisConnection) => void {
    return (text, by) => {
      const known = !this.replicated && by.isAtServerOf(commands);
      this.#deliver(text, known ? commands.time : undefined);
    };
  }

  #deliver(text: string, time: RedisTime | undefined): void {
    if (this.to === undefined) return;
    const grant = readGrant(text, time, this.keys);
    if (grant !== undefined) return this.to.granted(grant);
    const [, kind, amount, token = '', lock = ''] = NOTE.exec(text) ?? [];
    if (kind === 'wanted') this.to.wanted(token, Number(amount));
    else if (kind === 'revoked') this.to.revoked(token);
    else if (kind === 'recheck') this.to.recheck(token, Number(amount));
    else if (kind === 'doubted') this.to.doubted(token, this.keys.keyOf(lock));
  }
}

/** Reads what `promote` published; `undefined`: another message. */
function readGrant(text: string, time: RedisTime | undefined, keys: LockKeys): Grant | undefined {
  const fields = GRANT.exec(text);
  if (fields === null) return undefined;
  const [, next, last, expiresAtMs, nowUs, queue, token = '', lock = ''] = fields;
  return {
    key: keys.keyOf(lock),
    token,
    fences: { next: Number(next), last: Number(last) },
    queue: Number(queue),
    expiresAt: time && toLocal(Number(expiresAtMs), Number(nowUs) / 1000, time),
  };
}

/**
 * Maps the end of a claim to our clock. A push has no age: it counts only on a time base of our own, and
 * only when its own moment does not contradict it by lying in the future (Redis' clock has stepped).
 */
function toLocal(expiresAt: number, sentAt: number, time: RedisTime): number | undefined {
  const { now } = time;
  const pushedAt = time.toLocal(sentAt, now);
  if (pushedAt === undefined || pushedAt <= now) return time.toLocal(expiresAt, now);
  time.reset();
  return undefined;
}
