import { describe, expect, it } from '@jest/globals';

import { NotAppliedError } from '../../../lib/engine/lock-store.js';
import type { AcquireReply, LockStore, ReleaseReply } from '../../../lib/engine/lock-store.js';
import type { PushedGrant } from '../../../lib/redis/grant-message.js';
import { QuorumClaim } from '../../../lib/redis/quorum-claim.js';
import type { QuorumNode } from '../../../lib/redis/quorum-node.js';
import { eventually } from '../../support/eventually.js';

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
  const node: Pick<QuorumNode, 'owes' | 'isAwaited' | 'isReady'> & { call: unknown } = {
    owes: () => false,
    isAwaited: true,
    isReady: true,
    call: (_key: string, command: (from: typeof store) => Promise<unknown>) => command(store),
  };
  return node as QuorumNode;
}

describe('QuorumClaim', () => {
  const command = { key: 'k', token: 't', ttl: 30_000, until: Infinity, fences: 1 };

  it('does not ask a node twice for what it gave back', async () => {
    const node = nodeThat({ acquire: async () => VOTE });
    const claim = new QuorumClaim('k', 't', 30_000);
    await claim.ask(node, command);

    expect(await claim.release(node)).toBe('released');
    expect(await claim.release(node)).toBe('released');
  });

  it('counts no earlier release of a node that was asked again and gave nothing', async () => {
    const answers = { acquire: async (): Promise<AcquireReply> => VOTE };
    const node = nodeThat(answers);
    const claim = new QuorumClaim('k', 't', 30_000);
    await claim.ask(node, command);
    await claim.release(node);
    answers.acquire = async () => {
      throw new NotAppliedError(['k'], 'refused.');
    };
    await expect(claim.ask(node, command)).rejects.toThrow('refused');

    expect(await claim.release(node)).toBe('not-held');
  });

  describe('to which a node has pushed its vote', () => {
    const grant: PushedGrant = {
      key: 'k',
      token: 't',
      fences: { next: 1, last: 1 },
      queue: 0,
      expiresAt: Infinity,
      next: undefined,
      passed: false,
    };

    it('counts it', () => {
      const node = nodeThat({ acquire: async () => VOTE });
      const claim = new QuorumClaim('k', 't', 30_000);

      claim.granted(node, grant);

      expect(claim.grants.has(node)).toBe(true);
    });

    it('does not count it while it gives it back', async () => {
      const node = nodeThat({ acquire: async () => VOTE, release: () => new Promise(() => {}) });
      const claim = new QuorumClaim('k', 't', 30_000);
      await claim.ask(node, command);
      void claim.release(node);

      claim.granted(node, grant);

      expect(claim.grants.has(node)).toBe(false);
    });

    it.each([
      ['had nothing', 'not-held', true],
      ['had it', 'released', false],
      ['may have had it', 'unconfirmed', false],
    ] as const)('after a release of which the node says that it %s', async (_, answer, counts) => {
      const node = nodeThat({ acquire: async () => VOTE, release: async () => answer });
      const claim = new QuorumClaim('k', 't', 30_000);
      await claim.ask(node, command);
      await claim.release(node);
      // Asking once more does not tell which of the two a push is older than.
      await claim.ask(node, command);

      claim.granted(node, grant);

      expect(claim.grants.has(node)).toBe(counts);
    });

    it('owes nothing to a node out of reach that may have passed its vote on', async () => {
      const node = { ...nodeThat({ acquire: async () => VOTE }), isReady: false } as QuorumNode;
      const claim = new QuorumClaim('k', 't', 30_000);
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
      const claim = new QuorumClaim('k', 't', 30_000);
      claim.granted(node, grant);

      await claim.giveBack([node]);

      expect(releases).toBe(1);
      expect(claim.grants.has(node)).toBe(false);
    });

    it.each([
      ['once more when its release came before', 'not-held', 2],
      ['not again when its release has found it', 'released', 1],
    ] as const)('too late gives it back %s', async (_, answer, expected) => {
      let releases = 0;
      const release = async (): Promise<ReleaseReply> => {
        releases += 1;
        return answer;
      };
      const node = nodeThat({ acquire: async () => VOTE, release });
      const claim = new QuorumClaim('k', 't', 30_000);
      claim.inherit([node]);
      await claim.release(node);

      claim.refuse(node);

      await eventually(() => expect(releases).toBe(expected));
    });
  });
});
