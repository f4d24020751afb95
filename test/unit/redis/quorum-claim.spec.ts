import { describe, expect, it } from '@jest/globals';

import { NotAppliedError } from '../../../lib/engine/lock-store.js';
import type { AcquireReply, LockStore } from '../../../lib/engine/lock-store.js';
import { QuorumClaim } from '../../../lib/redis/quorum-claim.js';
import type { QuorumNode } from '../../../lib/redis/quorum-node.js';

const VOTE: AcquireReply = {
  kind: 'held',
  sentAt: 0,
  lease: 30_000,
  fences: { next: 1, last: 1 },
  queue: 0,
};

/** A node whose answers the test chooses. */
function nodeThat(answers: { acquire: () => Promise<AcquireReply> }): QuorumNode {
  const store: Pick<LockStore, 'acquire' | 'release'> = {
    acquire: () => answers.acquire(),
    release: async () => 'released',
  };
  const node: Pick<QuorumNode, 'owes' | 'isAwaited'> & { call: unknown } = {
    owes: () => false,
    isAwaited: true,
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
});
