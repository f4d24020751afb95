// @ts-check
// What metrics and tracing add to a lock that is taken and given back: with and without, in
// alternating rounds of one run; on Redis one after another, and 32 at once.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Registry } from 'prom-client';
import { LockService, RedisLockModule } from '../../dist/esm/index.js';
import { LockMetricsModule } from '../../dist/esm/prometheus.js';
import { LockTracingModule } from '../../dist/esm/tracing.js';
import { withRedis } from './bench-redis.mjs';
import { inSlices, ratioQuartiles } from './slices.mjs';

const SLICES = Number(process.argv[2] ?? 200);
/** Short, so that what the machine does beside it falls on all alike. */
const CALLS = 640;

await withRedis(async (_, url) => {
  const plain = await open(url);
  const kinds = {
    metrics: await open(url, LockMetricsModule.forRoot({ registry: new Registry() })),
    'tracing, no SDK': await open(url, LockTracingModule.forRoot()),
  };
  const all = [plain, ...Object.values(kinds)];
  for (const lanes of [1, 32]) {
    const times = await inSlices(all, SLICES, (one) => measure(one, lanes));
    const [without = [], ...observed] = times;
    for (const [i, name] of Object.keys(kinds).entries()) {
      const [from, added, to] = ratioQuartiles(observed[i] ?? [], without).map((ratio) =>
        (ratio * 100 - 100).toFixed(1),
      );
      console.log(
        `${name}, ${lanes} at once: ${added} % (median of ${SLICES} slices, half of them ` +
          `between ${from} and ${to} %)`,
      );
    }
  }
  for (const { app } of all) await app.close();
});

/**
 * @param {string} url
 * @param {import('@nestjs/common').DynamicModule[]} modules
 */
async function open(url, ...modules) {
  class App {}
  Module({ imports: [RedisLockModule.forRoot({ connection: url }), ...modules] })(App);
  const app = await NestFactory.createApplicationContext(App, { logger: false });
  return { app, locks: app.get(LockService) };
}

/**
 * Milliseconds for all calls.
 *
 * @param {{ locks: LockService }} one
 * @param {number} lanes
 */
async function measure({ locks }, lanes) {
  const startedAt = performance.now();
  const lane = async (/** @type {number} */ from) => {
    for (let i = from; i < CALLS; i += lanes) await locks.withLock(`k${from}`, () => {});
  };
  await Promise.all(Array.from({ length: lanes }, (_, from) => lane(from)));
  return performance.now() - startedAt;
}
