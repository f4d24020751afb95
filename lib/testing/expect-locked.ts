import { AssertionError } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallObserver, LockObserver } from '../engine/api/lock-observers.js';
import type { LockService } from '../nest/service/lock.service.js';

/** The services whose sections the running code is in, innermost first. */
const running = new AsyncLocalStorage<readonly LockService[]>();

/** Notes, for {@link expectLocked}, that code runs in sections of a service. */
export class SectionObserver implements LockObserver {
  constructor(private readonly locks: LockService) {}

  asked(): CallObserver {
    return {
      acquired: () => undefined,
      refused: () => undefined,
      ended: () => undefined,
      run: (task) => running.run([this.locks, ...(running.getStore() ?? [])], task),
    };
  }
}

/**
 * Asserts that the code that calls it runs under the lock on `key`: inside a `@Locked` method or a
 * `withLock` of an application with `LockTestingModule`. Call it in a stub of what must not be
 * reached without the lock.
 *
 * @example
 * const stock = { take: () => expectLocked('stock:42') };
 *
 * @throws {AssertionError} It does not.
 */
export function expectLocked(key: string): void {
  if (running.getStore()?.some((locks) => locks.current(key) !== undefined)) return;
  const innermost = running.getStore()?.[0]?.current()?.key;
  const where = innermost === undefined ? 'no lock' : `the lock ${JSON.stringify(innermost)}`;
  throw new AssertionError({
    message: `Expected to run under the lock ${JSON.stringify(key)}; this runs under ${where}.`,
    stackStartFn: expectLocked,
  });
}
