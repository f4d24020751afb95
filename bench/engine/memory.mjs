// @ts-check
// What a lock that is held costs in this process and in Redis. Run with --expose-gc.
import { LockService } from '../../dist/esm/index.js';
import { withRedis } from './bench-redis.mjs';

const LOCKS = Number(process.argv[2] ?? 20_000);

await withRedis(async (redis, url) => {
  const locks = new LockService({ connection: url });
  await locks.withLock('warm-up', () => {});
  const keys = Array.from({ length: LOCKS }, (_, i) => `order:${i}`);
  const before = { heap: heap(), redis: await redisMemory() };

  const held = [];
  for (let i = 0; i < LOCKS; i += 500)
    held.push(...(await Promise.all(keys.slice(i, i + 500).map((key) => locks.acquire(key)))));
  const after = { heap: heap(), redis: await redisMemory() };
  const node = (after.heap - before.heap) / LOCKS;
  const server = (after.redis - before.redis) / LOCKS;

  await Promise.all(held.splice(0).map((lock) => lock.release()));
  await redis.flushall();
  const empty = await redisMemory();
  const idle = (heap() - before.heap) / LOCKS;
  for (const key of keys)
    redis.set(`lock:${key}`, 'a-random-token-of-22-c', 'PX', 30_000).catch(() => {});
  await redis.ping();
  const plain = ((await redisMemory()) - empty) / LOCKS;

  console.log(
    `Node: ${(node / 1024).toFixed(2)} KiB a held lock, ${idle.toFixed(0)} B after its release`,
  );
  console.log(`Redis: ${server.toFixed(0)} B a held lock, a plain SET ${plain.toFixed(0)} B`);
  await locks.shutdown();

  async function redisMemory() {
    return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1]);
  }
});

function heap() {
  if (globalThis.gc === undefined) throw new Error('Run it with node --expose-gc.');
  for (let i = 0; i < 4; i += 1) globalThis.gc();
  return process.memoryUsage().heapUsed;
}
