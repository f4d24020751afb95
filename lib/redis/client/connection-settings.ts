import type { Redis } from 'ioredis';
import type { StoreTrouble } from '../../engine/store/lock-store.js';
import type { Clock } from '../../engine/time/clock.js';
import type { LoginSource } from './login.js';
import type { RedisTime } from './redis-time.js';

/** What every connection of ours goes by. */
export interface ConnectionSettings {
  /** Longest wait for one answer, in milliseconds. */
  readonly commandTimeout: number;
  readonly clock: Clock;
  /** Unset: logs in as the client's options say. */
  readonly login?: LoginSource | undefined;
}

/** What a connection tells its owner, and what it has to know of it. */
export interface ConnectionHooks {
  /** The server was named as one that stands alone, not as a node of a Cluster. */
  readonly alone?: boolean;
  /** Goes first on each new connection, before any other command; must not reject. */
  readonly prepare?: (client: Redis, time: RedisTime) => Promise<void>;
  /** Commands can be sent, on a new connection. */
  readonly ready: () => void;
  readonly closed?: () => void;
  /** Why there is no connection, or what is wrong with the server; some of it may come again and again. */
  readonly troubled?: ((trouble: StoreTrouble) => void) | undefined;
}
