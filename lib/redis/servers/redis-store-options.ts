import type { Replicas } from './replicas.js';

/** What a store of locks in Redis needs beside its connection. */
export interface RedisStoreOptions {
  /** Put before every key, behind the client's own `keyPrefix`. */
  readonly keyPrefix: string;
  /** Longest wait for one answer, in milliseconds. */
  readonly commandTimeout: number;
  /** The name of this process in Redis. */
  readonly boot: string;
  /** A grant counts only when so many replicas have it; unset, when the primary has it. */
  readonly replicas?: Replicas | undefined;
}
