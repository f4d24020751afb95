import { describe, expect, it } from '@jest/globals';

import { NotAppliedError } from '../../../../lib/engine/store/lock-store.js';
import type {
  AcquireReply,
  LockStore,
  ReleaseReply,
} from '../../../../lib/engine/store/lock-store.js';
import { ReleaseRetrier } from '../../../../lib/engine/store/release-retrier.js';
import { Candidacy } from '../../../../lib/redis/quorum/candidacy.js';
import type { QuorumNode } from '../../../../lib/redis/quorum/node.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const VOTE: AcquireReply = {
  kind: 'held',
  sentAt: 0,
  lease: 30_000,
  fences: { next: 1, last: 1 },
  queue: 0,
};

/** A node whose answers the test chooses. */
function nodeThat(answers: {
  acquire: () => Promise<AcquireReply>;
  release?: () => Promise<ReleaseReply>;
}): QuorumNode {
  const store: Pick<LockStore, 'acquire' | 'release'> = {
    acquire: () => answers.acquire(),
    release: () => answers.release?.() ?? Promise.resolve('released'),
  };
  const node = {
    underway: new Set(),
    releases: new ReleaseRetrier(store, new VirtualClock()),
    isAwaited: true,
    call: (_key: string, command: (from: typeof store) => Promise<unknown>) => command(store),
    vote: (_key: string, command: (from: typeof store) => Promise<unknown>) => command(store),
  };
  return node as unknown as QuorumNode;
}

describe('Candidacy', () => {
  const command = { key: 'k', token: 't', ttl: 30_000, until: Infinity, fences: 1 };

  it('does not ask a node twice for what it gave back', async () => {
    const node = nodeThat({ acquire: async () => VOTE });
    const claim = new Candidacy('k', 't', 30_000, node);
    await claim.ask(node, command);

    expect(await claim.release(node)).toBe('released');
    expect(await claim.release(node)).toBe('released');
  });

  it('counts no earlier release of a node that was asked again and gave nothing', async () => {
    const answers = { acquire: async (): Promise<AcquireReply> => VOTE };
    const node = nodeThat(answers);
    const claim = new Candidacy('k', 't', 30_000, node);
    await claim.ask(node, command);
    await claim.release(node);
    answers.acquire = async () => {
      throw new NotAppliedError(['k'], 'refused.');
    };
    await expect(claim.ask(node, command)).rejects.toThrow('refused');

    expect(await claim.release(node)).toBe('not-held');
  });

  it('asks no node whose earlier release turns out to be owed', async () => {
    let fail: (reason: Error) => void = () => undefined;
    const release = (): Promise<ReleaseReply> => new Promise((_, reject) => (fail = reject));
    let questions = 0;
    const node = nodeThat({ acquire: async () => VOTE, release });
    const claim = new Candidacy('k', 't', 30_000, node, [node]);
    const released = claim.release(node);
    // What the node is called for, and answers, would count as a sign of life.
    node.vote = async () => Promise.reject(new Error(`question ${(questions += 1)}`));
    const asked = claim.ask(node, command);
    fail(new Error('late'));

    await expect(released).rejects.toThrow('late');
    await expect(asked).rejects.toThrow(NotAppliedError);
    expect(questions).toBe(0);
  });

  it.each([
    ['was not answered', async () => Promise.reject(new Error('late'))],
    ['was sent twice', async () => 'unconfirmed' as const],
  ])('asks no node again where a release %s: it may come late', async (_, release) => {
    const node = nodeThat({ acquire: async () => VOTE, release });
    const claim = new Candidacy('k', 't', 30_000, node, [node]);
    await claim.release(node).catch(() => undefined);
    // It was repeated, and has been answered.
    node.releases.owes = () => false;

    await expect(claim.ask(node, command)).rejects.toThrow(NotAppliedError);
    expect(claim.isSettledAt(node)).toBe(false);
  });

  it('takes it for no proof of a loss that the coordinator does not hold what it may have passed on', async () => {
    const answers = {
      acquire: async () => VOTE,
      release: async (): Promise<ReleaseReply> => 'not-held',
    };
    const [node, other] = [nodeThat(answers), nodeThat(answers)];
    const claim = new Candidacy('k', 't', 30_000, node, [node, other]);
    claim.mayHaveYielded = true;

    expect(await claim.release(node)).toBe('unconfirmed');
    expect(await claim.release(other)).toBe('not-held');
  });
});
