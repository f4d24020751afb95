import type { StoreEvents } from '../../engine/store/lock-store.js';
import type { OwnClientOptions } from '../client/client-options.js';
import type { ConnectionSettings } from '../client/connection-settings.js';
import type { Answer, RedisConnection } from '../client/redis-connection.js';
import type { RedisTime } from '../client/redis-time.js';
import type { KeysOfLock, LockKeys } from '../keys/lock-keys.js';
import type { Argument, RedisScript } from '../scripts/define-script.js';
import type { Replicas } from './replicas.check.js';

/** A script for the locks of one slot. */
export interface LockCommand {
  readonly script: RedisScript;
  /** The application's key, for errors. */
  readonly key: string;
  readonly place: KeysOfLock;
  readonly keys: readonly string[];
  /** It may give the lock to its caller, by a reply as acquire's. */
  readonly grants?: boolean;
  /** Built once the server is known, since times in it are on that server's clock. */
  readonly args: (time: RedisTime) => readonly Argument[];
}

/** What scripts for one lock have in common. */
export function onLock(
  place: KeysOfLock,
  key: string,
): Pick<LockCommand, 'key' | 'place' | 'keys'> {
  const { counter, lock, queue, alive, holders } = place;
  return { key, place, keys: [counter, lock, queue, alive, holders] };
}

/** The Redis servers that keep locks: one endpoint, or a Cluster. Makes one attempt for each call. */
export interface LockServers {
  readonly keys: LockKeys;
  /** Whether several locks may share a script. In a Cluster a slot that moves would split them. */
  readonly joint: boolean;
  /** Sets the one receiver of what comes unasked. */
  listen(events: StoreEvents): void;
  run<T>(command: LockCommand): Promise<Answer<T>>;
  /** Whether what is told about the lock reaches this process; who waits asks again and again. */
  hears(place: KeysOfLock): boolean;
  /** Resolves when it does, or with `false` after a while: polls find what pushes can't tell. */
  listenFor(place: KeysOfLock): Promise<boolean>;
  /** A connection to each server that has locks. */
  all(): Promise<readonly RedisConnection[]>;
  close(): void;
}

/** What holds for each server that keeps locks. */
export interface ServerSettings extends ConnectionSettings {
  /** A grant counts only when so many replicas have it; unset, when the primary has it. */
  readonly replicas?: Replicas | undefined;
  /** Other libraries use the same keys: twice a second a lock is left free instead of handed over. */
  readonly coexist?: boolean | undefined;
}

/** What a store of locks in Redis needs beside its connection. */
export interface RedisStoreOptions extends Omit<ServerSettings, 'login'>, OwnClientOptions {
  /** Put before every key, behind the client's own `keyPrefix`. */
  readonly keyPrefix: string;
  /** The lease that locks have by default, in milliseconds: other processes, too, use one as long. */
  readonly ttl?: number | undefined;
  /** The name of this process in Redis. */
  readonly boot: string;
}
