import { describe, expect, it } from '@jest/globals';

import { readLayout, readRedirection } from '../../../lib/redis/cluster/cluster-layout.js';
import { SlotTags, hashTag, slotOf } from '../../../lib/redis/keys/hash-slot.js';
import { LockKeys, checkClusterPrefix } from '../../../lib/redis/keys/lock-keys.js';

const slotOfKey = (key: string): number => slotOf(hashTag(key) ?? key);

describe('slotOf', () => {
  it('is what Redis says', () => {
    expect(['', 'foo', 'bar', '123456789', 'ключ'].map(slotOf)).toEqual([
      0, 12_182, 5061, 12_739, 10_303,
    ]);
  });
});

describe('SlotTags', () => {
  it('has a tag for every slot, always the same', () => {
    const [some, all] = [new SlotTags(), new SlotTags()];
    const tags = Array.from({ length: 16_384 }, (_, slot) => all.of(slot));

    expect(tags.map(slotOf)).toEqual(tags.map((_, slot) => slot));
    expect([9000, 1, 16_383].map((slot) => some.of(slot))).toEqual([
      tags[9000],
      tags[1],
      tags[16_383],
    ]);
  });
});

describe('LockKeys in a Cluster', () => {
  const KEYS = ['k', 'order:{42}:pay', '{}', '}{', 'a}b', '{a', 'a{}b', '{{x}}', 'a}{b}', '键'];

  it.each(['lock:', '', '{app}:', 'a}:'])('keeps all of a lock in one slot, under %j', (prefix) => {
    const keys = new LockKeys(prefix, true);
    for (const key of KEYS) {
      const { lock, queue, alive, counter, channel, slot } = keys.of(key);
      const all = [lock, queue, alive, counter, `${channel}boot`];
      expect({ key, slots: new Set(all.map(slotOfKey)) }).toEqual({ key, slots: new Set([slot]) });
      expect(new Set(all).size).toBe(all.length);
    }
  });

  it('tells a prefix that would take them apart', () => {
    expect(['lock:', '{app}:', 'a}:', '{a}{b'].flatMap(checkClusterPrefix)).toEqual([]);
    for (const prefix of ['{', 'a{b:', '{}:', '{}{a}:'])
      expect(checkClusterPrefix(prefix)).toHaveLength(1);
  });
});

describe('readLayout', () => {
  it('fills in the name of the node that was asked, and maps names to how they are reached', () => {
    const layout = readLayout(
      [
        [0, 1, ['', 7000], ['10.0.0.2', 7001]],
        [3, 3, ['10.0.0.3', 7002]],
      ],
      '10.0.0.1:7000',
      (node) => node.replace('10.0.0.', 'host-'),
    );

    expect([...layout.owners]).toEqual(['host-1:7000', 'host-1:7000', undefined, 'host-3:7002']);
    expect([...layout.nodes].sort()).toEqual(['host-1:7000', 'host-2:7001', 'host-3:7002']);
  });
});

describe('readRedirection', () => {
  it('reads where to go, or that there is nowhere yet', () => {
    const asked = '10.0.0.1:7000';
    expect(readRedirection('MOVED 3999 127.0.0.1:6381', asked)).toEqual({
      kind: 'moved',
      node: '127.0.0.1:6381',
    });
    expect(readRedirection('MOVED 3999 :6381', asked)?.node).toBe('10.0.0.1:6381');
    expect(readRedirection('ASK 3999 ::1:6381', asked)).toEqual({ kind: 'ask', node: '::1:6381' });
    expect(readRedirection('TRYAGAIN Multiple keys request', asked)?.kind).toBe('wait');
    expect(readRedirection('CLUSTERDOWN Hash slot not served', asked)?.kind).toBe('down');
    expect(readRedirection('ERR Script attempted', asked)).toBeUndefined();
  });
});
