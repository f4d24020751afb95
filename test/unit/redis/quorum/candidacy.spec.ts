import { describe, expect, it } from '@jest/globals';

import { NotAppliedError } from '../../../../lib/engine/store/lock-store.js';
import type {
  AcquireReply,
  LockStore,
  ReleaseReply,
} from '../../../../lib/engine/store/lock-store.js';
import { Candidacy } from '../../../../lib/redis/quorum/candidacy.js';
import type { QuorumNode } from '../../../../lib/redis/quorum/node.js';
import { eventually } from '../../../support/eventually.js';
import { PUSHED } from './pushed-grant.js';

const VOTE: AcquireReply = {
  kind: 'held',
  sentAt: 0,
  lease: 30_000,
  fences: { next: 1, last: 1 },
  queue: 0,
};

const BUSY: AcquireReply = { kind: 'busy', sentAt: 0, leaseLeft: 30_000 };

/** A node whose answers the test chooses. */
function nodeThat(
  answers: {
    acquire: () => Promise<AcquireReply>;
    release?: () => Promise<ReleaseReply>;
  },
  isReady = true,
): QuorumNode {
  const owed = new Set<string>();
  const store: Pick<LockStore, 'acquire' | 'release'> = {
    acquire: () => answers.acquire(),
    release: () => answers.release?.() ?? Promise.resolve('released'),
  };
  const node: Pick<QuorumNode, 'owe' | 'owes' | 'isAwaited' | 'isReady'> & { call: unknown } = {
    owe: (token) => void owed.add(token),
    owes: (token) => owed.has(token),
    isAwaited: true,
    isReady,
    call: (_key: string, command: (from: typeof store) => Promise<unknown>) => command(store),
  };
  return node as QuorumNode;
}

describe('Candidacy', () => {
  const command = { key: 'k', token: 't', ttl: 30_000, until: Infinity, fences: 1 };

  it('does not ask a node twice for what it gave back', async () => {
    const node = nodeThat({ acquire: async () => VOTE });
    const claim = new Candidacy('k', 't', 30_000);
    await claim.ask(node, command);

    expect(await claim.release(node)).toBe('released');
    expect(await claim.release(node)).toBe('released');
  });

  it('counts no earlier release of a node that was asked again and gave nothing', async () => {
    const answers = { acquire: async (): Promise<AcquireReply> => VOTE };
    const node = nodeThat(answers);
    const claim = new Candidacy('k', 't', 30_000);
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
    const claim = new Candidacy('k', 't', 30_000, [node]);
    const released = claim.release(node);
    // What the node is called for, and answers, would count as a sign of life.
    node.call = async () => Promise.reject(new Error(`question ${(questions += 1)}`));
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
    const claim = new Candidacy('k', 't', 30_000, [node]);
    await claim.release(node).catch(() => undefined);
    // It was repeated, and has been answered.
    node.owes = () => false;

    await expect(claim.ask(node, command)).rejects.toThrow(NotAppliedError);
    expect(claim.releases.outdates(node)).toBe(true);
    expect(claim.releases.behind(node)).toBeUndefined();
  });

  it('gives back what a node may have by a renewal, though it was out of reach before', async () => {
    const node = nodeThat({ acquire: async () => VOTE });
    const claim = new Candidacy('k', 't', 30_000);

    claim.renewing(node);

    // Without asking it would be that it is not held.
    expect(await claim.release(node)).toBe('released');
  });

  it('takes it for no proof of a loss that the coordinator does not hold what it may have passed on', async () => {
    const answers = {
      acquire: async () => VOTE,
      release: async (): Promise<ReleaseReply> => 'not-held',
    };
    const [node, other] = [nodeThat(answers), nodeThat(answers)];
    const claim = new Candidacy('k', 't', 30_000, [node, other]);
    claim.coordinator = node;
    claim.mayHaveYielded = true;

    expect(await claim.release(node)).toBe('unconfirmed');
    expect(await claim.release(other)).toBe('not-held');
  });

  describe('to which a node has pushed its vote', () => {
    it('counts it', () => {
      const node = nodeThat({ acquire: async () => VOTE });
      const claim = new Candidacy('k', 't', 30_000);

      claim.granted(node, PUSHED);

      expect(claim.grants.has(node)).toBe(true);
    });

    it('does not count it while it gives it back', async () => {
      const node = nodeThat({ acquire: async () => VOTE, release: () => new Promise(() => {}) });
      const claim = new Candidacy('k', 't', 30_000);
      await claim.ask(node, command);
      void claim.release(node);

      claim.granted(node, PUSHED);

      expect(claim.grants.has(node)).toBe(false);
    });

    it.each([
      ['had nothing', 'not-held', true],
      ['had it', 'released', false],
      ['may have had it', 'unconfirmed', false],
    ] as const)('after a release of which the node says that it %s', async (_, answer, counts) => {
      const answers = {
        acquire: async (): Promise<AcquireReply> => VOTE,
        release: async () => answer,
      };
      const node = nodeThat(answers);
      const claim = new Candidacy('k', 't', 30_000);
      await claim.ask(node, command);
      await claim.release(node);
      // An answer without a vote does not tell what a push is older than.
      answers.acquire = async () => BUSY;
      await claim.ask(node, command).catch(() => undefined);

      claim.granted(node, PUSHED);

      expect(claim.grants.has(node)).toBe(counts);
    });

    it('does not count it because a second release found nothing, after a first that took it', async () => {
      const answers = {
        acquire: async (): Promise<AcquireReply> => VOTE,
        release: async (): Promise<ReleaseReply> => 'released',
      };
      const node = nodeThat(answers);
      const claim = new Candidacy('k', 't', 30_000);
      await claim.ask(node, command);
      await claim.release(node);
      answers.acquire = async () => BUSY;
      answers.release = async () => 'not-held';
      await claim.ask(node, command);
      await claim.release(node);

      claim.granted(node, PUSHED);

      expect(claim.grants.has(node)).toBe(false);
    });

    it('counts it once the node has voted after the release', async () => {
      const node = nodeThat({ acquire: async () => VOTE });
      const claim = new Candidacy('k', 't', 30_000);
      await claim.ask(node, command);
      await claim.release(node);
      await claim.ask(node, command);

      claim.granted(node, PUSHED);

      expect(claim.releases.outdates(node)).toBe(false);
      expect(claim.grants.has(node)).toBe(true);
    });

    it('does not count it for the vote of an earlier question while a release is on its way', async () => {
      const replies: ((reply: AcquireReply) => void)[] = [];
      const acquire = (): Promise<AcquireReply> => new Promise((resolve) => replies.push(resolve));
      const node = nodeThat({ acquire, release: () => new Promise(() => {}) });
      const claim = new Candidacy('k', 't', 30_000);
      const asked = claim.ask(node, command);
      void claim.release(node);
      void claim.ask(node, command);
      replies[0]!(VOTE);
      await asked;

      claim.granted(node, PUSHED);

      expect(claim.grants.has(node)).toBe(false);
      expect(claim.releases.behind(node)).toBeUndefined();
    });

    it('does not count it as long as a release that was not answered may be repeated', async () => {
      const answers = {
        acquire: async () => VOTE,
        release: (): Promise<ReleaseReply> => Promise.reject(new Error('late')),
      };
      const node = nodeThat(answers);
      const claim = new Candidacy('k', 't', 30_000, [node]);
      await expect(claim.release(node)).rejects.toThrow('late');
      claim.granted(node, PUSHED);
      answers.release = async () => 'not-held';
      await claim.release(node);

      claim.granted(node, PUSHED);

      expect(claim.releases.outdates(node)).toBe(true);
      expect(claim.grants.has(node)).toBe(false);
    });

    it('owes nothing to a node out of reach that may have passed its vote on', async () => {
      const node = nodeThat({ acquire: async () => VOTE }, false);
      const claim = new Candidacy('k', 't', 30_000);
      claim.inherit([node]);

      expect(await claim.release(node)).toBe('not-held');
    });

    it('gives it back with the rest', async () => {
      let releases = 0;
      const release = async (): Promise<ReleaseReply> => {
        releases += 1;
        return 'released';
      };
      const node = nodeThat({ acquire: async () => VOTE, release });
      const claim = new Candidacy('k', 't', 30_000);
      claim.granted(node, PUSHED);

      claim.giveBack([node]);

      expect(releases).toBe(1);
      expect(claim.grants.has(node)).toBe(false);
    });

    it.each([
      ['once more when its release came before', 'not-held', 1, 2],
      ['not again when its release has found it', 'released', 1, 1],
      ['when it was passed twice', 'released', 2, 2],
    ] as const)('too late gives it back %s', async (_, answer, pushes, expected) => {
      let releases = 0;
      const release = async (): Promise<ReleaseReply> => {
        releases += 1;
        return answer;
      };
      const node = nodeThat({ acquire: async () => VOTE, release });
      const claim = new Candidacy('k', 't', 30_000);
      claim.inherit([node]);
      await claim.release(node);

      for (let i = 0; i < pushes; i += 1) claim.refuse(node);

      await eventually(() => expect(releases).toBe(expected));
    });
  });
});
