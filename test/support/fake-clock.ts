import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { makeTemporaryDirectory, removeTemporaryDirectory } from './spawn-redis.mjs';

/** Where Debian's package `faketime` puts it, by machine. */
const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`,
);

/**
 * The wall clock of processes that are started with its environment (libfaketime), set while they run;
 * their monotonic clock is that of the machine.
 */
export class FakeClock {
  /** How far it is ahead of the machine's clock; milliseconds. */
  aheadMs = 0;
  readonly #dir = makeTemporaryDirectory();
  readonly #library: string;

  constructor() {
    const library = LIBRARIES.find((path) => existsSync(path));
    if (library === undefined)
      throw new Error(
        'Clocks are stepped by libfaketime, which is not here: apt-get install faketime.',
      );
    this.#library = library;
    this.step(0);
  }

  /** What a process of ours needs to live by this clock. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** The same for a Redis server: its jemalloc asks for the time before the library is ready to tell it. */
  get serverEnv(): Record<string, string> {
    return { ...this.env, LD_PRELOAD: `libc_malloc_debug.so.0 ${this.#library}` };
  }

  /** Sets the clock forward, or back, for all its processes at once. */
  step(ms: number): void {
    this.aheadMs += ms;
    const sign = this.aheadMs < 0 ? '-' : '+';
    // A reader sees the old file or the new one, never half of it.
    writeFileSync(`${this.#file}.next`, `${sign}${Math.abs(this.aheadMs) / 1000}\n`);
    renameSync(`${this.#file}.next`, this.#file);
  }

  [Symbol.asyncDispose](): Promise<void> {
    removeTemporaryDirectory(this.#dir);
    return Promise.resolve();
  }

  get #file(): string {
    return join(this.#dir, 'clock');
  }
}
