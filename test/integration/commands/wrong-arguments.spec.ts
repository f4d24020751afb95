import { beforeEach, describe, expect, it } from '@jest/globals';
import { type Lock, LockError, LockService } from 'nestjs-redis-lock';

import { afterTest } from '../../support/after-test.js';
import { openClient } from '../../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';

/** Values of every kind, each with how a message may name it. */
const KINDS: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  'a number': 5,
  NaN,
  true: true,
  'a bigint': 5n,
  'a symbol': Symbol('order'),
  'an empty text': '',
  'a text': 'redis://:secret@host',
  'an array': [5],
  'an empty array': [],
  'an object': { order: 5 },
  'a map': new Map([['ttl', 5]]),
  'a signal': new AbortController().signal,
  'a promise': Promise.resolve('order'),
  'a function': () => 'secret',
  'an object without a prototype': Object.create(null),
  'a proxy of a function': new Proxy(() => {}, {}),
};
const all = Object.entries(KINDS);
const allBut = (...kinds: string[]) => all.filter(([kind]) => !kinds.includes(kind));

// An empty object is no mistake where options are taken.
const NO_OPTIONS = allBut('undefined', 'an object without a prototype');
const NO_KEY = allBut('a text');

interface Wrong {
  readonly call: string;
  readonly code: 'LOCK_KEY' | 'LOCK_CONFIG';
  readonly values: readonly (readonly [string, unknown])[];
  readonly make: (locks: LockService, value: never, lock: Lock) => unknown;
}

const never = (): never => {
  throw new Error('a task has run');
};

const ASYNC: readonly Wrong[] = [
  ...(['acquire', 'tryAcquire'] as const).flatMap((name): Wrong[] => [
    {
      call: `${name}(…)`,
      code: 'LOCK_KEY',
      values: NO_KEY,
      make: (locks, key) => locks[name](key),
    },
    {
      call: `${name}('k', …)`,
      code: 'LOCK_CONFIG',
      values: NO_OPTIONS,
      make: (locks, options) => locks[name]('k', options),
    },
  ]),
  {
    call: 'withLock(…, task)',
    code: 'LOCK_KEY',
    values: NO_KEY,
    make: (locks, key) => locks.withLock(key, never),
  },
  {
    call: "withLock('k', …)",
    code: 'LOCK_CONFIG',
    values: allBut('a function', 'a proxy of a function'),
    make: (locks, task) => locks.withLock('k', task),
  },
  {
    call: "withLock('k', task, …)",
    code: 'LOCK_CONFIG',
    values: NO_OPTIONS,
    make: (locks, options) => locks.withLock('k', never, options),
  },
  {
    call: 'inspect(…)',
    code: 'LOCK_KEY',
    values: NO_KEY,
    make: (locks, key) => locks.inspect(key),
  },
  {
    call: 'forceRelease(…)',
    code: 'LOCK_KEY',
    values: NO_KEY,
    make: (locks, key) => locks.forceRelease(key),
  },
  {
    call: 'list(…)',
    code: 'LOCK_CONFIG',
    values: NO_OPTIONS,
    make: (locks, options) => locks.list(options)[Symbol.asyncIterator]().next(),
  },
  {
    call: 'list({ match: … })',
    code: 'LOCK_CONFIG',
    values: allBut('undefined', 'a text', 'an empty text'),
    make: (locks, match) => locks.list({ match })[Symbol.asyncIterator]().next(),
  },
  {
    call: 'attach(…)',
    code: 'LOCK_CONFIG',
    values: all,
    make: (locks, text) => locks.attach(text),
  },
  {
    call: 'attach(ticket, …)',
    code: 'LOCK_CONFIG',
    values: NO_OPTIONS,
    make: async (locks, options) => {
      const ticket = await (await locks.acquire('detached')).detach();
      try {
        return await locks.attach(ticket, options);
      } finally {
        // The ticket is as good as before.
        await (await locks.attach(ticket)).release();
      }
    },
  },
  {
    call: 'lock.extend(…)',
    code: 'LOCK_CONFIG',
    values: allBut('undefined').concat([
      ['a negative number', -5],
      ['too little', '99ms'],
    ]),
    make: (_, ttl, lock) => lock.extend(ttl),
  },
];

const SYNC: readonly Wrong[] = [
  {
    call: 'current(…)',
    code: 'LOCK_KEY',
    values: allBut('undefined', 'a text'),
    make: (locks, key) => locks.current(key),
  },
  ...(['on', 'once', 'off'] as const).flatMap((method): Wrong[] => [
    {
      call: `events.${method}(…, listener)`,
      code: 'LOCK_CONFIG',
      values: all.concat([['a name of every object', 'toString']]),
      make: (locks, name) => locks.events[method](name, () => {}),
    },
    {
      call: `events.${method}('lost', …)`,
      code: 'LOCK_CONFIG',
      values: allBut('a function', 'a proxy of a function'),
      make: (locks, listener) => locks.events[method]('lost', listener),
    },
  ]),
];

const cases = (table: readonly Wrong[]) =>
  table.flatMap(({ call, code, values, make }) =>
    values.map(([kind, value]) => ({ call, kind, code, of: make, value })),
  );

let locks: LockService;
let keyPrefix: string;

beforeEach(() => {
  keyPrefix = uniquePrefix();
  locks = new LockService({ connection: sharedRedisUrl(), keyPrefix, shutdownTimeout: 0 });
  afterTest(() => locks.shutdown());
});

function expectToTell(error: unknown, code: string): void {
  expect(error).toBeInstanceOf(LockError);
  expect(error).toMatchObject({ code, message: expect.stringMatching(/^.{10}[^]*\.$/) });
  expect(String(error)).not.toMatch(/secret|\[object/);
}

describe('a call with a wrong kind of argument', () => {
  it.each(cases(ASYNC))('rejects $call with $kind', async ({ of, value, code }) => {
    const held = await locks.acquire('held');
    const answer = of(locks, value as never, held);

    expect(answer).toBeInstanceOf(Promise);
    expectToTell(await (answer as Promise<unknown>).catch((error: unknown) => error), code);
    await held.release();
    expect(await openClient(sharedRedisUrl()).keys(`${keyPrefix}*`)).toEqual([
      `${keyPrefix}!fence`,
    ]);
  });

  it('tells of options before the task in which order they come', async () => {
    const swapped = locks.withLock('k', { ttl: 1000 } as never, (() => 1) as never);

    await expect(swapped).rejects.toThrow(
      'task must be a function, got an object of class Object: withLock(key, task, options).',
    );
  });

  it.each(cases(SYNC))('throws from $call with $kind', ({ of, value, code }) => {
    const call = (): unknown => of(locks, value as never, undefined as never);
    let thrown: unknown;
    try {
      call();
    } catch (error) {
      thrown = error;
    }
    expectToTell(thrown, code);
  });
});
