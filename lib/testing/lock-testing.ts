import { AssertionError } from 'node:assert';
import type { OnApplicationShutdown } from '@nestjs/common';
import { afterReads, systemClock } from '../engine/time/clock.js';
import type { Lock } from '../index.js';
import { MemoryLockStore } from '../memory/memory-lock.store.js';
import { MemorySpace } from '../memory/memory-space.js';
import { LockService } from '../nest/service/lock.service.js';
import { UnreliableStore } from './unreliable-store.js';

/**
 * Makes locks of the application busy, lost or unavailable. Take it from the testing module.
 *
 * @example
 * const testing = module.get(LockTesting);
 */
export class LockTesting implements OnApplicationShutdown {
  readonly #space = new MemorySpace(systemClock);
  /** The application's stores, each opened by a service. */
  readonly #stores: UnreliableStore[] = [];
  /** Another process, as far as the application can tell. */
  readonly #others = new LockService(
    { connection: 'memory', wait: '1s', shutdownTimeout: 0 },
    (boot) => {
      this.#space.foreign.add(boot);
      return new MemoryLockStore(boot, this.#space);
    },
  );
  #isDown = false;

  /** @internal */
  readonly openStore = (boot: string): UnreliableStore => {
    const store = new UnreliableStore(new MemoryLockStore(boot, this.#space));
    this.#stores.push(store);
    if (this.#isDown) store.fail();
    return store;
  };

  /**
   * Lets another process hold the lock, of whatever kind, until its `release()` or the application closes.
   * Waits 1 s at most while it is held, less than a test runner waits for a test.
   *
   * @example
   * await using busy = await testing.makeBusy('order:7');
   *
   * @throws {LockTimeoutError} `LOCK_TIMEOUT`: it is still held; the error names the holder.
   */
  makeBusy(key: string): Promise<Lock> {
    return this.#others.acquire(key, { label: 'LockTesting' });
  }

  /**
   * Takes the lock from whoever holds it. When it resolves, its `signal` has aborted with a `LockLostError`.
   *
   * @example
   * await testing.makeLost('order:7');
   *
   * @throws {AssertionError} Nobody holds it.
   */
  async makeLost(key: string): Promise<void> {
    const { holders } = (await this.#others.inspect(key)) ?? { holders: [] };
    if (holders.length === 0) throw notHeld(key);
    await this.#others.forceRelease(key);
    // Holders hear of it then.
    await new Promise<void>(afterReads);
  }

  /**
   * Makes every call for a lock fail as it does while Redis can't be reached: with `LOCK_UNAVAILABLE`
   * after its `wait`, or after `commandTimeout` with `wait: 0`. Held locks are lost when their leases end.
   *
   * @example
   * testing.makeUnavailable();
   */
  makeUnavailable(): void {
    this.#isDown = true;
    for (const store of this.#stores) store.fail();
  }

  /**
   * Ends what `makeUnavailable` began.
   *
   * @example
   * testing.makeAvailable();
   */
  makeAvailable(): void {
    this.#isDown = false;
    for (const store of this.#stores) store.recover();
  }

  /**
   * Asserts that somebody holds the lock at this moment.
   *
   * @example
   * testing.expectLocked('order:7');
   *
   * @throws {AssertionError} Nobody does.
   */
  expectLocked(key: string): void {
    if (this.#space.holder(key) === undefined) throw notHeld(key);
  }

  /**
   * Asserts that nobody holds the lock at this moment, such as after a request is over.
   *
   * @example
   * testing.expectFree('order:7');
   *
   * @throws {AssertionError} Somebody does.
   */
  expectFree(key: string): void {
    if (this.#space.holder(key) === undefined) return;
    throw failure(`Expected the lock ${JSON.stringify(key)} to be free; it is held.`);
  }

  /** Ends what a test has made busy. */
  async onApplicationShutdown(): Promise<void> {
    await this.#others.shutdown();
  }
}

function notHeld(key: string): AssertionError {
  return failure(`Expected the lock ${JSON.stringify(key)} to be held; it is free.`);
}

function failure(message: string): AssertionError {
  return new AssertionError({ message });
}
