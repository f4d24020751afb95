import { isLockError } from '../../engine/api/errors.js';
import type { LockEvents } from '../../engine/api/lock-events.js';
import type { LockKey } from '../../engine/api/lock-key.js';
import type { AttachOptions, LockOptions } from '../../engine/api/lock-options.js';
import type { Lock, LockInfo } from '../../engine/api/lock.js';
import type { LockManager } from '../../engine/lock-manager.js';
import { noteFacts } from '../errors/facts.js';
import { warnOfAnotherCopy } from './copies.js';
import type { LateEngine } from './late-engine.js';
import { engineFor, type OpenStore } from './engine-for.js';
import type { RedisLockModuleOptions } from './options.js';

warnOfAnotherCopy();

/**
 * Takes, waits for and inspects locks. Usable from its constructor on: it connects by itself, when
 * its application starts or a call comes first, and a call made before Redis answers waits within
 * its `wait`. @example await locks.withLock('report:7', (lock) => save(lock.fencingToken));
 */
export class LockService {
  readonly #engine: LateEngine;

  /**
   * The engine of a service, told by brand: a deep stand-in has every property it is asked for.
   *
   * @internal
   */
  static engineOf(service: object): LateEngine | undefined {
    return #engine in service ? service.#engine : undefined;
  }

  /** @throws {LockConfigError} All faults of the options at once. */
  constructor(options: RedisLockModuleOptions);
  /**
   * @param openStore Opens the store in place of the connection's own.
   * @internal
   */
  constructor(options: RedisLockModuleOptions, openStore: OpenStore);
  constructor(options: RedisLockModuleOptions, openStore?: OpenStore) {
    // The connection may hold a password: it is not kept here, where a log of the object shows it.
    this.#engine = engineFor(options, openStore);
  }

  private get manager(): LockManager {
    return this.#engine.manager;
  }

  /** What happens to the locks of this service; a listener that throws changes nothing. @example locks.events.on('lost', ({ key }) => console.error(key)); */
  get events(): LockEvents {
    return this.manager.events;
  }

  /**
   * Waits for the lock and takes it. Give it back with `release()`, or hold it by `await using`.
   * Inside a `withLock` or `@Locked` context of the same key it re-enters at once.
   * @example await using lock = await locks.acquire('report:7', { wait: '2s' });
   *
   * @throws {LockTimeoutError} `LOCK_TIMEOUT`: still busy after `wait`.
   * @throws {LockQueueFullError} `LOCK_QUEUE_FULL`: `maxWaiters` callers wait already.
   * @throws {LockUnavailableError} `LOCK_UNAVAILABLE`: Redis did not answer within `wait`.
   * @throws {LockShutdownError} `LOCK_SHUTDOWN`: the application is closing.
   */
  acquire(key: LockKey, options?: LockOptions): Promise<Lock> {
    return this.manager.acquire(key, options, this.note);
  }

  /**
   * Tries once to take the lock. @example const lock = await locks.tryAcquire('report:7');
   *
   * @returns `null` when it is busy.
   * @throws {LockUnavailableError} `LOCK_UNAVAILABLE`: Redis did not answer; whether the lock is free is not known.
   */
  tryAcquire(key: LockKey, options?: Omit<LockOptions, 'wait'>): Promise<Lock | null> {
    return this.own(this.manager.tryAcquire(key, options));
  }

  /**
   * Runs `task` while holding the lock on `key` and releases it afterwards. The lease is renewed
   * meanwhile; calls for the same key that start inside `task` re-enter. An error of `task` reaches
   * the caller unchanged, whatever happened to the lock.
   *
   * Exclusion is not guaranteed once `lock.signal` has aborted: pass `lock.fencingToken` to
   * storage that compares it. @example await locks.withLock('report:7', (lock) => save(lock.fencingToken));
   *
   * @throws {LockLostError} `LOCK_LOST`: the lease ended while `task` ran, and `task` returned;
   * its value is in `result`. With `onLost: 'report'` the value is returned instead.
   */
  withLock<T>(
    key: LockKey,
    task: (lock: Lock) => T | Promise<T>,
    options?: LockOptions,
  ): Promise<T> {
    return this.own(this.manager.withLock(key, task, options));
  }

  /**
   * Takes over a lock that was detached, here or in another process: renewed, with its keys, kind and fencing
   * number. Others that wait for the lock keep their places. A ticket is used once.
   * @example await using lock = await locks.attach(ticket);
   *
   * @param ticket What `lock.detach()` gave.
   * @param options What is left out comes from the module's options, and `label` from the call that took the lock.
   * @throws {LockLostError} `LOCK_LOST`: the lease had ended, or the ticket was used.
   * @throws {LockConfigError} `LOCK_CONFIG`: the text is no ticket, or the locks are on a quorum.
   * @throws {LockUnavailableError} `LOCK_UNAVAILABLE`: Redis did not answer within the module's `wait`.
   * @throws {LockShutdownError} `LOCK_SHUTDOWN`: the application is closing.
   */
  attach(ticket: string, options?: AttachOptions): Promise<Lock> {
    return this.own(this.manager.attach(ticket, options));
  }

  /** The innermost lock of the running `withLock` or `@Locked` context, of `key` when given. @example locks.current()?.assertHeld(); */
  current(key?: string): Lock | undefined {
    return this.manager.current(key);
  }

  /**
   * Tells who holds the lock. @example const holder = (await locks.inspect('report:7'))?.holders[0];
   *
   * @returns `null` when nobody does.
   * @throws {LockUnavailableError} `LOCK_UNAVAILABLE`: Redis can't tell.
   */
  inspect(key: string): Promise<LockInfo | null> {
    return this.manager.inspect(key);
  }

  /**
   * Lists the locks under this service's `keyPrefix`. Not a snapshot: locks come and go meanwhile.
   * @example for await (const { key } of locks.list({ match: 'report:*' })) console.log(key);
   *
   * @param options.match Redis glob over the application's key. @default '*'
   */
  list(options?: { match?: string }): AsyncIterable<LockInfo> {
    return this.manager.list(options);
  }

  /**
   * Takes the lock from its holder: an operator's lever. The next waiter gets it; the ousted
   * holder's signal aborts, yet the two may overlap: fence. @example await locks.forceRelease('report:7');
   *
   * @returns `false` when nobody holds it, or a holder that is none of ours.
   */
  forceRelease(key: string): Promise<boolean> {
    return this.manager.forceRelease(key);
  }

  /**
   * Turns waiters and new calls away, lets running holders finish within `shutdownTimeout`, and
   * closes what this service opened. `app.close()` does it; idempotent. @example await locks.shutdown();
   */
  shutdown(): Promise<void> {
    return this.manager.close();
  }

  /** With several modules in one application an error is answered as its own module says. */
  private own<T>(call: Promise<T>): Promise<T> {
    return call.catch((error: unknown) => {
      throw this.note(error);
    });
  }

  private readonly note = (error: unknown): unknown => {
    if (isLockError(error)) noteFacts(error, { busyStatus: this.#engine.busyStatus });
    return error;
  };
}

/**
 * The engine of a service, opened; `undefined` for a stand-in that a test put in its place.
 *
 * @internal
 */
export function managerOf(service: LockService): LockManager | undefined {
  return LockService.engineOf(service)?.manager;
}

/**
 * Status of a busy lock; `false` when the module answers no lock errors; `undefined` for a stand-in.
 *
 * @internal
 */
export function busyStatusOf(service: LockService): number | false | undefined {
  return LockService.engineOf(service)?.busyStatus;
}
