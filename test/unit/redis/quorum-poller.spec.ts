import { describe, expect, it } from '@jest/globals';

import type { LockStore, PollReply, ReleaseReply } from '../../../lib/engine/lock-store.js';
import type { QuorumAcquirer } from '../../../lib/redis/quorum-acquirer.js';
import { QuorumClaim } from '../../../lib/redis/quorum-claim.js';
import type { QuorumNode } from '../../../lib/redis/quorum-node.js';
import { QuorumPoller } from '../../../lib/redis/quorum-poller.js';
import type { QuorumContext } from '../../../lib/redis/quorum-vote.js';

const QUEUED: PollReply = { kind: 'queued', sentAt: 0, leaseLeft: 30_000, rank: 1, ticket: 1 };
const COMMAND = { key: 'k', token: 't', until: Infinity, callers: 1 };

describe('QuorumPoller', () => {
  it('takes the turn that the coordinator has pushed before its older answer came', async () => {
    let releases = 0;
    const claim = new QuorumClaim('k', 't', 30_000);
    const store: Pick<LockStore, 'poll' | 'release'> = {
      poll: async () => {
        claim.granted(node, {
          key: 'k',
          token: 't',
          fences: { next: 1, last: 1 },
          queue: 0,
          expiresAt: Infinity,
          next: undefined,
          passed: true,
        });
        return QUEUED;
      },
      release: async (): Promise<ReleaseReply> => {
        releases += 1;
        return 'released';
      },
    };
    const made: Pick<QuorumNode, 'isAwaited' | 'owes'> & { call: unknown } = {
      isAwaited: true,
      owes: () => false,
      call: (_key: string, command: (from: typeof store) => Promise<unknown>) => command(store),
    };
    const node = made as QuorumNode;
    claim.coordinator = node;
    const acquirer: Pick<QuorumAcquirer, 'askRest'> = {
      askRest: async (_claim, _command, turn) => turn,
    };
    const poller = new QuorumPoller({} as QuorumContext, acquirer as QuorumAcquirer);

    expect(await poller.poll(claim, COMMAND)).toMatchObject({ kind: 'held' });
    expect(releases).toBe(0);
  });
});
