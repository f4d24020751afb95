import { describe, expect, it } from '@jest/globals';

import type {
  AcquireReply,
  LockStore,
  ReleaseReply,
  RenewReply,
} from '../../../../lib/engine/store/lock-store.js';
import { ReleaseRetrier } from '../../../../lib/engine/store/release-retrier.js';
import { systemClock } from '../../../../lib/engine/time/clock.js';
import { Coordinators } from '../../../../lib/redis/quorum/coordinators.js';
import { Fences } from '../../../../lib/redis/quorum/fences.js';
import { Candidacy } from '../../../../lib/redis/quorum/candidacy.js';
import { QuorumNodes } from '../../../../lib/redis/quorum/nodes.js';
import type { QuorumNode } from '../../../../lib/redis/quorum/node.js';
import { QuorumRenewer } from '../../../../lib/redis/quorum/renew.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const HELD: RenewReply = { kind: 'held', sentAt: 0, fences: { next: 0, last: -1 }, queue: 0 };
const VOTE: AcquireReply = { ...HELD, kind: 'held', lease: 3000 };
const ASKED = { key: 'k', token: 't', ttl: 3000, until: Infinity, fences: 1 };
const COMMAND = { key: 'k', token: 't', ttl: 3000, until: Infinity, fences: 0, callers: 0 };

/** A node that holds the lock, or can't be reached. */
function node(isReachable: boolean, release = Promise.resolve<ReleaseReply>('released')) {
  const store: Pick<LockStore, 'acquire' | 'renew' | 'release'> = {
    acquire: async () => VOTE,
    renew: async () => [HELD],
    release: () => release,
  };
  const call = async <T>(_key: string, command: (from: typeof store) => Promise<T>) => {
    if (!isReachable) throw new Error('out of reach');
    return command(store);
  };
  const clock = new VirtualClock();
  const made = {
    clock,
    underway: new Set(),
    isAwaited: true,
    link: { address: 'a:1' },
    releases: new ReleaseRetrier({ release: () => call('k', () => release) }, clock),
    call,
    vote: call,
  };
  return made as unknown as QuorumNode;
}

/** A token of which nothing is known yet. */
function claimAt(nodes: readonly QuorumNode[]) {
  const all = new QuorumNodes(nodes, { clock: systemClock, commandTimeout: 1000 });
  const coordinators = new Coordinators(all);
  coordinators.coordinatorOf = () => nodes[0]!;
  const context = { nodes: all, coordinators, fences: new Fences(systemClock) };
  const claim = new Candidacy('k', 't', 3000, nodes[0]!);
  const renewer = new QuorumRenewer(context, new Map([['t', claim]]));
  return { claim, renew: () => renewer.renew([COMMAND]) };
}

/** A lock at three nodes, the second of which may be told to release it; the third is out of reach. */
async function lockAt(release?: Promise<ReleaseReply>) {
  const nodes = [node(true), node(true, release), node(false)];
  const { claim, renew } = claimAt(nodes);
  await Promise.allSettled(nodes.map((each) => claim.ask(each, ASKED)));
  return {
    ask: () => claim.ask(nodes[1]!, ASKED),
    releaseOne: () => claim.release(nodes[1]!),
    renew,
  };
}

describe('QuorumRenewer', () => {
  it('prolongs what a majority holds', async () => {
    expect(await (await lockAt()).renew()).toMatchObject([{ kind: 'held' }]);
  });

  it.each([
    ['is on its way', new Promise<ReleaseReply>(() => {})],
    ['was not answered and will be repeated', Promise.reject<ReleaseReply>(new Error('late'))],
  ])('does not count a node where a release of the token %s (I1)', async (_, release) => {
    const { releaseOne, renew } = await lockAt(release);
    releaseOne().catch(() => undefined);
    await Promise.resolve();

    expect(await renew()).toMatchObject([{ kind: 'unknown' }]);
  });

  it('counts a node again that has voted after it had given its vote back', async () => {
    const { ask, releaseOne, renew } = await lockAt();
    await releaseOne();
    await ask();

    expect(await renew()).toMatchObject([{ kind: 'held' }]);
  });

  it('does not count a node that is told of a release before it has answered', async () => {
    const { releaseOne, renew } = await lockAt();

    const renewed = renew();
    await releaseOne();

    expect(await renewed).toMatchObject([{ kind: 'unknown' }]);
  });
});
