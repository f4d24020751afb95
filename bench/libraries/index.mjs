// One way to use each library: `open(urls)` resolves with `acquire(key)`, which waits until it has the
// lock and resolves with its release. Delays between tries are the library's own; limits on how often
// or how long it tries are lifted, so that callers are not counted twice. `sends` names the commands
// that it sends outside scripts.
import { ioredfour } from './ioredfour.mjs';
import { microfleetIoredisLock } from './microfleet-ioredis-lock.mjs';
import { kinds } from './kinds.mjs';
import { nestjsRedisLock } from './nestjs-redis-lock.mjs';
import { raw } from './raw.mjs';
import { redisKitLock } from './redis-kit-lock.mjs';
import { redisSemaphore } from './redis-semaphore.mjs';
import { redlockUniversal } from './redlock-universal.mjs';
import { redlock, sesamecareRedlock } from './redlock.mjs';
import { simpleRedisMutex } from './simple-redis-mutex.mjs';
import { verrou } from './verrou.mjs';

export const OURS = nestjsRedisLock.name;
export const RAW = raw.name;
export const RING = 'ring';

export const peers = [
  redlock,
  sesamecareRedlock,
  redisSemaphore,
  redlockUniversal,
  redisKitLock,
  microfleetIoredisLock,
  simpleRedisMutex,
  ioredfour,
  verrou,
];

/** @type {Map<string, any>} */
export const libraries = new Map(
  [nestjsRedisLock, raw, ...peers, ...kinds].map((library) => [library.name, library]),
);
