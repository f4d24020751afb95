// @ts-check
// What `@Locked` adds to the call of a provider's method when nobody contends, on the memory store:
// the decorated method against the same method without, in alternating rounds.
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Locked, RedisLockModule } from '../../dist/esm/index.js';
import { percentile } from './slices.mjs';

const CALLS = Number(process.argv[2] ?? 20_000);
const ROUNDS = 9;

class Shop {
  /** @param {string} sku */
  async plain(sku) {
    return sku;
  }

  /** @param {string} sku */
  async locked(sku) {
    return sku;
  }
}
const method = /** @type {PropertyDescriptor} */ (
  Object.getOwnPropertyDescriptor(Shop.prototype, 'locked')
);
Locked('stock:{0}')(Shop.prototype, 'locked', method);
Object.defineProperty(Shop.prototype, 'locked', method);
Injectable()(Shop);

class App {}
Module({ imports: [RedisLockModule.forRoot({ connection: 'memory' })], providers: [Shop] })(App);

const app = await NestFactory.createApplicationContext(App, { logger: false });
const shop = app.get(Shop);

/**
 * Microseconds a call, one after another.
 *
 * @param {'plain' | 'locked'} name
 */
async function measure(name) {
  const startedAt = performance.now();
  for (let i = 0; i < CALLS; i += 1) await shop[name](`sku-${i % 100}`);
  return ((performance.now() - startedAt) * 1000) / CALLS;
}

await measure('locked');
const added = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const plain = await measure('plain');
  added.push((await measure('locked')) - plain);
}
await app.close();
console.log(
  `@Locked adds ${percentile(added, 0.5).toFixed(1)} µs to a call (median of ${ROUNDS} rounds), ` +
    `best ${percentile(added, 0).toFixed(1)} µs`,
);
