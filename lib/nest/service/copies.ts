/** In one registry for all copies of this package: each has a LockService of its own. */
const LOADED = Symbol.for('nestjs-redis-lock.loaded');

/**
 * Warns when another copy of the package is loaded beside this one. A class that is decorated by one
 * does not find the service of the other, and Nest's error then names a LockService that is there.
 */
export function warnOfAnotherCopy(): void {
  const loaded = globalThis as { [LOADED]?: true };
  if (loaded[LOADED] === true) {
    process.emitWarning(
      'Two copies of nestjs-redis-lock are loaded: two installations, or one as ES module and as CommonJS. @Locked of one does not find the RedisLockModule of the other; "npm ls nestjs-redis-lock" shows them.',
      { code: 'NESTJS_REDIS_LOCK_COPIES' },
    );
  }
  loaded[LOADED] = true;
}
