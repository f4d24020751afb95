import { PassThrough, Readable } from 'node:stream';

import { beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable, UseInterceptors, type CallHandler } from '@nestjs/common';
import { ExternalContextCreator } from '@nestjs/core';
import { Locked, LockService, LockTimeoutError } from 'nestjs-redis-lock';
import { map, of, type Observable } from 'rxjs';

import { eventually } from '../support/eventually.js';
import { startApp, type AppOptions } from './support/app.js';

let inside = 0;
let most = 0;
beforeEach(() => {
  inside = 0;
  most = 0;
});

async function* numbers(): AsyncGenerator<number> {
  inside += 1;
  most = Math.max(most, inside);
  for (const number of [1, 2]) {
    await new Promise((resolve) => setImmediate(resolve));
    yield number;
  }
  inside -= 1;
}

@Injectable()
class Commands {
  constructor(private readonly locks: LockService) {}

  @Locked('k', { wait: 0 })
  async busy(_message: unknown): Promise<string> {
    return 'ran';
  }

  async service(_message: unknown): Promise<string> {
    return this.locks.withLock('k', () => 'ran', { wait: 0 });
  }

  @Locked('k')
  async *generator(_message: unknown): AsyncGenerator<number> {
    yield* numbers();
  }

  @Locked('{0.key}')
  async *positional(_message: unknown): AsyncGenerator<number> {
    yield* numbers();
  }

  @Locked('k')
  async iterable(_message: unknown): Promise<AsyncIterable<number>> {
    return numbers();
  }

  @Locked('{0.key}')
  async positionalIterable(_message: unknown): Promise<AsyncIterable<number>> {
    return numbers();
  }

  @Locked('k')
  async stream(_message: unknown): Promise<Readable> {
    return Readable.from(numbers());
  }

  @Locked('k')
  observable(_message: unknown): Observable<AsyncIterable<number>> {
    return of(numbers());
  }

  @Locked('{0.key}')
  positionalObservable(_message: unknown): Observable<AsyncIterable<number>> {
    return of(numbers());
  }

  @UseInterceptors({
    intercept: (_: unknown, next: CallHandler) => next.handle().pipe(map(() => numbers())),
  })
  @Locked('k')
  async made(_message: unknown): Promise<string> {
    return 'plain';
  }

  @Locked('k')
  async plain(_message: unknown, _second: unknown): Promise<string> {
    return 'ran';
  }
}

type Command = (...args: unknown[]) => Promise<unknown>;

async function commandOf(
  name: string,
  type?: string,
  lock: AppOptions['lock'] = {},
): Promise<{ run: Command; locks: LockService }> {
  const { app, locks } = await startApp({ providers: [Commands], lock });
  const commands = app.get(Commands);
  const run = app
    .get(ExternalContextCreator, { strict: false })
    .create(
      commands,
      Reflect.get(commands, name) as Command,
      name,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      type,
    ) as Command;
  return { run, locks };
}

async function readAll(result: unknown): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of result as AsyncIterable<unknown>) values.push(value);
  return values;
}

const RESULTS = [
  ...['generator', 'positional', 'iterable', 'positionalIterable', 'stream'],
  ...['observable', 'positionalObservable', 'made'],
];

describe('a method led by a context that another package creates', () => {
  it.each(RESULTS.flatMap((name) => [undefined, 'telegram'].map((type) => [name, type] as const)))(
    'holds its lock until its result was read: %s, type %s',
    async (name, type) => {
      const { run, locks } = await commandOf(name, type);

      const all = await Promise.all([1, 2, 3].map(async () => readAll(await run({ key: 'k' }))));

      expect(all).toEqual(Array.from({ length: 3 }, () => [1, 2]));
      expect(most).toBe(1);
      await eventually(async () => expect(await locks.inspect('k')).toBeNull());
    },
  );

  it.each(['generator', 'iterable'])(
    'takes no socket among its arguments for a response: %s',
    async (name) => {
      const { run, locks } = await commandOf(name);
      const socket = new PassThrough();

      expect(await readAll(await run({ key: 'k' }, socket))).toEqual([1, 2]);

      await eventually(async () => expect(await locks.inspect('k')).toBeNull());
      expect(socket.destroyed).toBe(false);
    },
  );

  const CONTEXTS = [undefined, 'telegram'].flatMap((type) =>
    [[], [{}], [{}, {}]].flatMap((more) =>
      [{}, { http: false } as const].map((lock) => ({ type, more, lock })),
    ),
  );
  it.each(['busy', 'service'].flatMap((name) => CONTEXTS.map((each) => ({ name, ...each }))))(
    'rejects with the lock error when its lock is busy: $name, type $type, more arguments $more, $lock',
    async ({ name, type, more, lock }) => {
      const { run, locks } = await commandOf(name, type, lock);
      await using _lock = await locks.acquire('k');

      const error = await run({ key: 'k' }, ...more).catch((reason: unknown) => reason);

      expect(error).toBeInstanceOf(LockTimeoutError);
      expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'k' });
    },
  );

  it('runs whatever its arguments look like', async () => {
    const { run } = await commandOf('plain');
    const destroyed = new PassThrough().destroy();

    for (const second of [destroyed, { raw: null }, { raw: 'text' }, null, { raw: destroyed }])
      expect(await run({ key: 'k' }, second)).toBe('ran');
  });
});
