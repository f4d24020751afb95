import { describe, expect, it } from '@jest/globals';

import { SlotTags, hashTag, slotOf } from '../../../lib/redis/keys/hash-slot.js';
import { LockKeys } from '../../../lib/redis/keys/lock-keys.js';

/** The slot of a key as Redis Cluster computes it, hash tag included. */
const clusterSlot = (key: string): number => slotOf(hashTag(key) ?? key);

describe('slotOf', () => {
  // The reference of CRC16 (XMODEM) is 0x31C3 for "123456789"; the others are from CLUSTER KEYSLOT.
  it.each([
    ['123456789', 0x31c3],
    ['', 0],
    ['foo', 12_182],
    ['bar', 5061],
    ['hello', 866],
    ['somekey', 11_058],
    ['hash_tag', 2515],
  ])('of %j', (text, slot) => {
    expect(slotOf(text)).toBe(slot);
  });

  it('counts bytes, not characters', () => {
    expect(slotOf('ü')).toBe(slotOf(Buffer.from([0xc3, 0xbc]).toString()));
    expect(slotOf('鍵')).toBeLessThan(16_384);
  });
});

describe('SlotTags', () => {
  it('finds a short text without braces for every slot that is asked for', () => {
    const tags = new SlotTags();
    for (const slot of [0, 1, 866, 12_182, 16_383]) {
      const tag = tags.of(slot);
      expect(slotOf(tag)).toBe(slot);
      expect(tag).toMatch(/^[0-9a-z]{1,5}$/);
    }
  });
});

describe('hashTag', () => {
  it.each([
    ['{a}', 'a'],
    ['x{a}y{b}', 'a'],
    ['{{a}}', '{a'],
    ['{}', undefined],
    ['{}{a}', undefined],
    ['}{', undefined],
    ['a}b', undefined],
    ['{a', undefined],
    ['a', undefined],
    ['}{a}', 'a'],
  ])('of %j is %j, as Redis has it', (key, tag) => {
    expect(hashTag(key)).toBe(tag);
  });
});

describe('LockKeys', () => {
  const KEYS = [
    'k',
    'order:42',
    '{}',
    '}{',
    'a}b',
    'a{b',
    '{k}:q',
    '{k}',
    'x{k}',
    'x{k}{y}',
    '{}{k}',
    'fence',
    '{{k}}',
    'ü鍵🔒',
    '\0\n',
    'x'.repeat(512),
  ];

  it.each(['lock:', '', '{app}:', 'a}b:', '}'])(
    'keeps all keys of a lock in its slot, with prefix %j',
    (prefix) => {
      const keys = new LockKeys(prefix);
      for (const key of KEYS) {
        const { lock, queue, alive } = keys.of(key);
        expect([key, clusterSlot(queue)]).toEqual([key, clusterSlot(lock)]);
        expect([key, clusterSlot(alive)]).toEqual([key, clusterSlot(lock)]);
      }
    },
  );

  it.each(['lock:', '', '{app}:', 'a}b:', '}'])(
    'gives every lock keys of its own, with prefix %j',
    (prefix) => {
      const keys = new LockKeys(prefix);
      const all = KEYS.flatMap((key) => {
        const { lock, queue, alive, counter } = keys.of(key);
        return [lock, queue, alive, counter];
      });

      expect(new Set(all).size).toBe(KEYS.length * 3 + 1);
    },
  );

  it('leaves the lock’s own key as other programs write it', () => {
    expect(new LockKeys('lock:').of('order:42').lock).toBe('lock:order:42');
    expect(new LockKeys('').of('{k}:q').lock).toBe('{k}:q');
  });

  it('begins its own keys with a "!" that no lock key may have', () => {
    const keys = new LockKeys('lock:');
    const { lock, queue, alive, counter, channel } = keys.of('k');

    expect([queue, alive, counter, channel]).toEqual([
      'lock:!q:{lock:k}',
      'lock:!a:{lock:k}',
      'lock:!fence',
      'lock:!g:',
    ]);
    for (const own of [queue, alive, counter]) expect(keys.isLock(own)).toBe(false);
    expect(keys.isLock(lock)).toBe(true);
    expect(keys.isLock('lock:')).toBe(false);
    expect(keys.isLock('other:k')).toBe(false);
  });

  it('reads a lock’s key back', () => {
    const keys = new LockKeys('lock:');

    for (const key of KEYS) expect(keys.keyOf(keys.of(key).lock)).toBe(key);
  });

  it('escapes its prefix in a glob, not the pattern', () => {
    expect(new LockKeys('a[b]*?\\:').glob('order:*')).toBe('a\\[b\\]\\*\\?\\\\:order:*');
  });
});
