import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { ClusterNode } from '../../../lib/redis/cluster/cluster-node.js';
import type { ClusterTopology } from '../../../lib/redis/cluster/cluster-topology.js';
import { LockKeys } from '../../../lib/redis/keys/lock-keys.js';
import { ShardedChannels } from '../../../lib/redis/cluster/sharded-channels.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** A node that keeps the names of its subscriptions. */
class FakeNode {
  readonly subscribed = new Set<string>();
  readonly subscriber = {
    send: async (_key: string, command: (client: unknown) => Promise<unknown>) => command(this),
  };

  ping(): void {}

  async ssubscribe(name: string): Promise<void> {
    this.subscribed.add(name);
  }

  async sunsubscribe(name: string): Promise<void> {
    this.subscribed.delete(name);
  }
}

describe('ShardedChannels', () => {
  const keys = new LockKeys('lock:', true);
  let owner: FakeNode;
  let clock: VirtualClock;
  let channels: ShardedChannels;
  let missed: number;

  beforeEach(() => {
    clock = new VirtualClock();
    owner = new FakeNode();
    missed = 0;
    const topology = {
      nodes: [],
      ownerOf: () => owner as unknown as ClusterNode,
      moved: () => {},
    } as unknown as ClusterTopology;
    channels = new ShardedChannels(
      topology,
      'boot',
      { commandTimeout: 1000, clock },
      {
        missed: () => (missed += 1),
        troubled: () => {},
      },
    );
  });

  afterEach(() => {
    channels.close();
  });

  it('listens for a key once it is asked to, at the node of its slot', async () => {
    expect(channels.hears(keys.of('k'))).toBe(false);

    await expect(channels.listenFor(keys.of('k'))).resolves.toBe(true);

    expect(channels.hears(keys.of('k'))).toBe(true);
    expect([...owner.subscribed]).toEqual(['lock:!g:{lock:k}:boot']);
  });

  it('keeps no subscription of 2000 keys that nobody waits for any more', async () => {
    const places = Array.from({ length: 2000 }, (_, i) => keys.of(`k${i}`));
    for (const place of places) await channels.listenFor(place);
    expect(owner.subscribed.size).toBe(2000);

    for (let passed = 0; passed < 20_000; passed += 2500) {
      await clock.advance(2500);
      expect(channels.hears(keys.of('k7'))).toBe(true);
    }

    expect([...owner.subscribed]).toEqual(['lock:!g:{lock:k7}:boot']);
    expect(channels.hears(keys.of('k8'))).toBe(false);
  });

  it('follows a slot to its new owner, and has everybody ask again once', async () => {
    const old = owner;
    await Promise.all(['a', 'b', 'c'].map((key) => channels.listenFor(keys.of(key))));
    expect(missed).toBe(0);
    owner = new FakeNode();

    channels.follow();
    expect(channels.hears(keys.of('a'))).toBe(false);
    await clock.advance(1);

    expect(old.subscribed.size).toBe(0);
    expect(owner.subscribed.size).toBe(3);
    expect(missed).toBe(1);
  });

  it('subscribes again when the connection is back', async () => {
    await channels.listenFor(keys.of('a'));
    owner.subscribed.clear();

    channels.lose(owner as unknown as ClusterNode);
    expect(channels.hears(keys.of('other'))).toBe(false);
    channels.restore(owner as unknown as ClusterNode);
    await clock.advance(1);

    expect(owner.subscribed.size).toBe(1);
    expect(missed).toBe(1);
  });

  it('gives up waiting for an answer after half the timeout of a command', async () => {
    owner.ssubscribe = () => new Promise(() => {});

    const listening = channels.listenFor(keys.of('k'));
    await clock.advance(500);

    await expect(listening).resolves.toBe(false);
  });
});
