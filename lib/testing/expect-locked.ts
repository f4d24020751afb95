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
 * `withLock` of an application with `LockTestingModule`, before the lock is lost. Call it in a stub
 * of what must not be reached without the lock.
 *
 * @example
 * const stock = { take: () => expectLocked('stock:42') };
 *
 * @throws {AssertionError} It does not.
 */
export function expectLocked(key: string): void {
  const services = running.getStore() ?? [];
  const held = services.flatMap((locks) => locks.current(key) ?? []);
  if (held.some(({ remainingMs }) => remainingMs > 0)) return;
  const innermost = services[0]?.current()?.key;
  const where = innermost === undefined ? 'no lock' : `the lock ${JSON.stringify(innermost)}`;
  const why = held.length > 0 ? 'it is lost' : `this runs under ${where}`;
  throw new AssertionError({
    message: `Expected to run under the lock ${JSON.stringify(key)}; ${why}.`,
    stackStartFn: expectLocked,
  });
}
