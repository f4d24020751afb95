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
import { percentile, withRedis } from './bench-redis.mjs';

const CALLS = Number(process.argv[2] ?? 2000);
const ROUNDS = 15;

await withRedis(async (_, url) => {
  const plain = await open(url);
  const kinds = {
    metrics: await open(url, LockMetricsModule.forRoot({ registry: new Registry() })),
    'tracing, no SDK': await open(url, LockTracingModule.forRoot()),
  };
  for (const lanes of [1, 32]) {
    await measure(plain, lanes);
    for (const [name, observed] of Object.entries(kinds)) {
      await measure(observed, lanes);
      const ratios = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const first = await measure(plain, lanes);
        ratios.push(
          (2 * (await measure(observed, lanes))) / (first + (await measure(plain, lanes))),
        );
      }
      const added = (percentile(ratios, 0.5) - 1) * 100;
      console.log(`${name}, ${lanes} at once: ${added.toFixed(1)} % (median of ${ROUNDS} rounds)`);
    }
  }
  for (const { app } of [plain, ...Object.values(kinds)]) await app.close();
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
