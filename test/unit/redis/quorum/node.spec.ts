import { describe, expect, it } from '@jest/globals';

import type { ServerInfo } from '../../../../lib/redis/client/server-info.js';
import { QuorumNode } from '../../../../lib/redis/quorum/node.js';
import type { LinkedStore, NodeStore } from '../../../../lib/redis/store/node-store.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const HELD = { kind: 'held' } as const;
const SERVER: ServerInfo = { runId: 'a', bornAt: 0 };

/** A connected node that is `server`, and what becomes of it while it is asked. */
async function nodeThatIs(server: ServerInfo | undefined, meanwhile?: ServerInfo) {
  const link = { address: 'a:1', isReady: true, server, probe: async () => {} };
  let connected!: () => void;
  const store: Pick<NodeStore, 'listen' | 'close'> = {
    listen: (listener) => (connected = () => listener.reconnected()),
    close: async () => {},
  };
  const ignore = () => {};
  const events = {
    ...{ granted: ignore, wanted: ignore, revoked: ignore, recheck: ignore },
    ...{ doubted: ignore, reconnected: ignore, identified: ignore },
  };
  const clock = new VirtualClock();
  const linked: LinkedStore = { store: store as NodeStore, link };
  const node = new QuorumNode(linked, clock, events);
  connected();
  const vote = () =>
    node.vote('k', async () => {
      if (meanwhile !== undefined) link.server = meanwhile;
      return HELD;
    });
  return { node, link, vote, reconnect: () => connected() };
}

describe('QuorumNode', () => {
  it('votes as the server that has said who it is', async () => {
    const { vote } = await nodeThatIs(SERVER);

    expect(await vote()).toBe(HELD);
  });

  it.each([
    ['has not said who it is', undefined, undefined],
    ['may not be asked who it is', { fault: new Error('NOPERM') }, undefined],
    ['is reached by another connection when it answers', SERVER, { ...SERVER }],
    ['is another one when it answers', SERVER, { runId: 'b', bornAt: 9 }],
  ])('gives no vote of a server that %s', async (_, server, meanwhile) => {
    const { vote } = await nodeThatIs(server, meanwhile);

    await expect(vote()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  });

  it('gives no vote of a server that it has not met', async () => {
    const { link, vote, reconnect } = await nodeThatIs(SERVER);
    link.server = { runId: 'b', bornAt: 9 };

    await expect(vote()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    reconnect();
    expect(await vote()).toBe(HELD);
  });

  it('is known by what it told last, when a connection breaks as it is asked', async () => {
    const { node, link, reconnect } = await nodeThatIs(SERVER);

    link.server = {};
    reconnect();

    expect(node.server).toBe(SERVER);
    expect(node.hasRestarted).toBe(false);
  });

  it('has restarted when another process answers at its address, and stays so', async () => {
    const { node, link, reconnect } = await nodeThatIs(SERVER);
    expect(node.hasRestarted).toBe(false);

    link.server = { runId: 'b', bornAt: 9 };
    reconnect();
    expect(node.hasRestarted).toBe(true);
    link.server = { runId: 'b', bornAt: 9 };
    reconnect();

    expect(node.hasRestarted).toBe(true);
  });
});
