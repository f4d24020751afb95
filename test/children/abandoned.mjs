// Drops results of locked methods, collects garbage, and tells whether their locks are held.
// A process of its own, since a heap full of tests takes long to collect. Needs --expose-gc.
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import { Injectable, Module, StreamableFile } from '@nestjs/common';
import { ExternalContextCreator, NestFactory } from '@nestjs/core';
import { NEVER, of } from 'rxjs';

import { LockService, Locked, RedisLockModule } from '../../dist/esm/index.js';
import { tell } from './parent.mjs';

class Results {
  async observable() {
    return NEVER;
  }

  async iterable() {
    return this.#numbers();
  }

  async stream() {
    return new Readable({ read() {} });
  }

  async file() {
    return new StreamableFile(new Readable({ read() {} }));
  }

  async routed() {
    return this.#numbers();
  }

  emitted() {
    return of(this.#numbers());
  }

  async *#numbers() {
    yield 1;
  }

  async *generator() {
    yield 1;
    yield 2;
  }
}
const kinds = ['observable', 'iterable', 'stream', 'file', 'generator', 'routed', 'emitted'];
/** Called in contexts as other packages create them. */
const routed = new Set(['routed', 'emitted']);
for (const kind of kinds) {
  const descriptor = Object.getOwnPropertyDescriptor(Results.prototype, kind) ?? {};
  Locked(`result:${kind}`)(Results.prototype, kind, descriptor);
  Object.defineProperty(Results.prototype, kind, descriptor);
}
Injectable()(Results);

class Root {}
Module({
  imports: [RedisLockModule.forRoot({ connection: 'memory', shutdownTimeout: 0 })],
  providers: [Results],
})(Root);
const app = await NestFactory.createApplicationContext(Root, { logger: false });
const [results, locks] = [app.get(Results), app.get(LockService)];
const contexts = app.get(ExternalContextCreator, { strict: false });

for (const kind of kinds) {
  const kept = await call(kind);
  await collect();
  const heldWhileKept = await isHeld(kind);
  await end(kept);
  const heldAfterEnd = await isHeld(kind);
  await drop(kind);
  const heldWhenDropped = await isHeld(kind);
  let heldAfterCollection = true;
  for (let round = 0; heldAfterCollection && round < 100; round += 1) {
    await collect();
    heldAfterCollection = await isHeld(kind);
  }
  tell('outcome', { kind, heldWhileKept, heldAfterEnd, heldWhenDropped, heldAfterCollection });
}
await app.close();

/** @param {string} kind */
async function call(kind) {
  const method = /** @type {any} */ (results)[kind];
  const result = await (routed.has(kind)
    ? contexts.create(results, method, kind)({})
    : method.call(results));
  if (kind === 'generator') await result.next();
  // Whoever reads a file needs its stream alone.
  return kind === 'file' ? result.getStream() : result;
}

/** Leaves nothing of the result on the stack of its caller. @param {string} kind */
async function drop(kind) {
  await call(kind);
}

/** @param {any} result */
async function end(result) {
  if ('subscribe' in result) result.subscribe().unsubscribe();
  else if ('destroy' in result) result.destroy();
  else await result.return();
  await setImmediate();
}

/** @param {string} kind */
async function isHeld(kind) {
  return (await locks.inspect(`result:${kind}`)) !== null;
}

async function collect() {
  /** @type {any} */ (globalThis).gc();
  await setImmediate();
}
