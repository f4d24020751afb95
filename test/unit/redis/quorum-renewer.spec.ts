import { describe, expect, it } from '@jest/globals';

import type { LockStore, ReleaseReply, RenewReply } from '../../../lib/engine/lock-store.js';
import { Contention } from '../../../lib/redis/contention.js';
import { FenceClock } from '../../../lib/redis/fence-clock.js';
import { QuorumClaims } from '../../../lib/redis/quorum-claims.js';
import { QuorumGroup } from '../../../lib/redis/quorum-group.js';
import type { QuorumNode } from '../../../lib/redis/quorum-node.js';
import { QuorumRenewer } from '../../../lib/redis/quorum-renewer.js';

const HELD: RenewReply = { kind: 'held', sentAt: 0, fences: { next: 0, last: -1 }, queue: 0 };
const COMMAND = { key: 'k', token: 't', ttl: 3000, until: Infinity, fences: 0, callers: 0 };

/** A node that holds the lock, or can't be reached. */
function node(isReachable: boolean, release = Promise.resolve<ReleaseReply>('released')) {
  const owed = new Set<string>();
  const store: Pick<LockStore, 'renew' | 'release'> = {
    renew: async () => [HELD],
    release: () => release,
  };
  const made = {
    isAwaited: true,
    isReady: true,
    owe: (token: string) => void owed.add(token),
    owes: (token: string) => owed.has(token),
    call: async (_key: string, command: (from: typeof store) => Promise<unknown>) => {
      if (!isReachable) throw new Error('out of reach');
      return command(store);
    },
  };
  return made as unknown as QuorumNode;
}

function renewerOf(nodes: readonly QuorumNode[]) {
  const group = new QuorumGroup(nodes, 1000);
  const contention = new Contention(group);
  const claims = new QuorumClaims(group, contention);
  const context = { group, contention, fences: new FenceClock() };
  return { claims, renewer: new QuorumRenewer(context, claims) };
}

describe('QuorumRenewer', () => {
  it('prolongs what a majority holds', async () => {
    const nodes = [node(true), node(true), node(false)];
    const { claims, renewer } = renewerOf(nodes);
    claims.begin('k', 't', 3000);

    expect(await renewer.renew([COMMAND])).toMatchObject([{ kind: 'held' }]);
  });

  it.each([
    ['is on its way', new Promise<ReleaseReply>(() => {})],
    ['was not answered and will be repeated', Promise.reject<ReleaseReply>(new Error('late'))],
  ])('does not count a node where a release of the token %s (I1)', async (_, release) => {
    const nodes = [node(true), node(true, release), node(false)];
    const { claims, renewer } = renewerOf(nodes);
    const claim = claims.begin('k', 't', 3000);
    claim.inherit(nodes);
    claim.release(nodes[1]!).catch(() => undefined);
    await Promise.resolve();

    expect(await renewer.renew([COMMAND])).toMatchObject([{ kind: 'unknown' }]);
  });

  it('counts a node again that has voted after it had given its vote back', async () => {
    const nodes = [node(true), node(true), node(false)];
    const { claims, renewer } = renewerOf(nodes);
    const claim = claims.begin('k', 't', 3000);
    claim.inherit(nodes);
    await claim.release(nodes[1]!);

    expect(await renewer.renew([COMMAND])).toMatchObject([{ kind: 'held' }]);
  });

  it('does not count a node that is told of a release before it has answered', async () => {
    const nodes = [node(true), node(true), node(false)];
    const { claims, renewer } = renewerOf(nodes);
    const claim = claims.begin('k', 't', 3000);
    claim.inherit(nodes);

    const renewed = renewer.renew([COMMAND]);
    await claim.release(nodes[1]!);

    expect(await renewed).toMatchObject([{ kind: 'unknown' }]);
  });
});
