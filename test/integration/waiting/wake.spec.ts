import { readFileSync } from 'node:fs';

import { expect, it } from '@jest/globals';

import { CallerQueue } from '../../../lib/engine/queue/caller-queue.js';
import { Waiter } from '../../../lib/engine/queue/waiter.js';
import { afterTest } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { openManager } from '../../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';

const documents = new URL('../../../docs/architecture.md', import.meta.url);

/** The files of lib/ that the running call came through, the first one first. */
function way(): string[] {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Infinity;
  const { stack = '' } = new Error('here');
  Error.stackTraceLimit = stackTraceLimit;
  const files: string[] = [];
  for (const [, file = ''] of stack.matchAll(/\/lib\/((?:engine|redis)\/[\w/.-]+\.ts)/g))
    files.unshift(file);
  return files;
}

/** Adds to `files` how calls of a method come to it, and the file that has the method. */
function record(files: Set<string>, prototype: object, method: string, file: string): void {
  const original = Reflect.get(prototype, method) as (...args: unknown[]) => unknown;
  Reflect.set(prototype, method, function (this: unknown, ...args: unknown[]) {
    for (const each of [...way(), file]) files.add(each);
    return original.apply(this, args);
  });
  afterTest(() => Reflect.set(prototype, method, original));
}

it('wakes a waiter in one go, through ten files from the socket to its promise', async () => {
  const options = { keyPrefix: uniquePrefix() };
  const [a, b] = [openManager(sharedRedisUrl(), options), openManager(sharedRedisUrl(), options)];
  const held = await a.acquire('k');
  const waiting = b.acquire('k', { wait: 60_000 });
  await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(1));
  const files = new Set<string>();
  record(files, CallerQueue.prototype, 'take', 'engine/queue/caller-queue.ts');
  record(files, Waiter.prototype, 'resolve', 'engine/queue/waiter.ts');

  await held.release();
  await (await waiting).release();

  expect(files.size).toBeLessThanOrEqual(10);
  expect([...files]).toEqual(documented());
});

/** The files that docs/architecture.md names in the life of a grant, in its order. */
function documented(): string[] {
  const [, life = ''] = readFileSync(documents, 'utf8').split('## The life of a grant: up');
  const [text = ''] = life.split('\n## ');
  return [...text.matchAll(/^((?:engine|redis)\/[\w/.-]+\.ts)/gm)].map(
    ([, file]) => file as string,
  );
}
