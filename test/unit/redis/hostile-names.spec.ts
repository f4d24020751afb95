import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';
import { assert, constantFrom, oneof, property, string, tuple } from 'fast-check';

import { checkKey } from '../../../lib/engine/api/lock-key.js';
import { checkConnection } from '../../../lib/redis/connection/connection.check.js';
import { readUrl } from '../../../lib/redis/connection/connection-url.js';
import { LockKeys } from '../../../lib/redis/keys/lock-keys.js';

const hostile = constantFrom(
  ...['__proto__', 'constructor', '{}', '}{', '{a}b', 'a}b', '!fence', '~', '*holders:0000001'],
  ...[
    '!q:{x}',
    '%s',
    "']); redis.call('FLUSHALL') --",
    '\r\nFLUSHALL\r\n',
    '\u0000',
    '\uD800',
    ' ',
  ],
);
const names = oneof(string({ unit: 'binary', maxLength: 60 }), hostile);
const prefixes = constantFrom('', 'lock:', 'app:{t}:', '__proto__:');

const isLockName = (name: string): boolean => {
  try {
    return checkKey(name) === name;
  } catch {
    return false;
  }
};

describe('lock names, as hostile as can be', () => {
  const seed = Number(process.env['SEED'] ?? 7);

  it(`never lead out of their prefix, nor to a key of ours (seed ${seed})`, () => {
    assert(
      property(prefixes, names.filter(isLockName), (prefix, name) => {
        const keys = new LockKeys(prefix);
        const place = keys.of(name);
        for (const key of [place.lock, place.queue, place.alive, place.holders, place.counter])
          expect(key.startsWith(prefix)).toBe(true);
        expect(place.lock).toBe(prefix + name);
        expect(keys.keyOf(place.lock)).toBe(name);
        const own = [place.queue, place.alive, place.holders, place.counter, place.channel];
        for (const key of own) expect(keys.isLock(key)).toBe(false);
        expect(new Set([place.lock, ...own]).size).toBe(6);
      }),
      { seed, numRuns: 1000 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  it(`never share a key with another name (seed ${seed})`, () => {
    const pairs = tuple(names.filter(isLockName), names.filter(isLockName));
    assert(
      property(pairs, ([one, other]) => {
        if (one === other) return;
        const keys = new LockKeys('p:');
        const { lock, queue, alive, holders } = keys.of(one);
        const there = keys.of(other);
        const theirs = [there.lock, there.queue, there.alive, there.holders];
        for (const key of [lock, queue, alive, holders]) expect(theirs).not.toContain(key);
      }),
      { seed, numRuns: 1000 },
    );
  });
});

describe('passwords in a connection', () => {
  const seed = Number(process.env['SEED'] ?? 7);
  const secret = string({ minLength: 8, maxLength: 30 })
    .map((text) => `s3cr3t${text}`)
    .filter((text) => !/[\s]/.test(text));
  const shapes = constantFrom(
    ...[
      'redis://u:%@host:6379/0',
      'redis://:%@host',
      'rediss://u:%@[::1]:1',
      'http://u:%@h',
      'u:%@h:1',
    ],
    ...['redis://u:%', '%', '//u:%@h', 'redis://u:%@h:port', 'redis://h:6379?password=%'],
  );

  it(`never stand in what is said about it, however it is written (seed ${seed})`, () => {
    assert(
      property(secret, shapes, (password, shape) => {
        const url = shape.replace('%', () => password);
        const said = [...checkConnection(url), ...checkConnection([url, url, url])];
        try {
          readUrl(url);
        } catch (error) {
          said.push(inspect(error));
        }
        expect(said.join('\n')).not.toContain('s3cr3t');
      }),
      { seed, numRuns: 1000 },
    );
  });
});
