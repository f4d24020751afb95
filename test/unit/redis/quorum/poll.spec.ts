import { describe, expect, it } from '@jest/globals';

import type {
  Grant,
  LockStore,
  PollReply,
  ReleaseReply,
} from '../../../../lib/engine/store/lock-store.js';
import { systemClock } from '../../../../lib/engine/time/clock.js';
import { Coordinators } from '../../../../lib/redis/quorum/coordinators.js';
import { Fences } from '../../../../lib/redis/quorum/fences.js';
import { QuorumAcquirer } from '../../../../lib/redis/quorum/acquire.js';
import { Candidacy } from '../../../../lib/redis/quorum/candidacy.js';
import { QuorumNodes } from '../../../../lib/redis/quorum/nodes.js';
import type { QuorumNode } from '../../../../lib/redis/quorum/node.js';

const QUEUED: PollReply = { kind: 'queued', sentAt: 0, leaseLeft: 30_000, rank: 1, ticket: 1 };
const COMMAND = { key: 'k', token: 't', until: Infinity, callers: 1 };
const TURN: Grant = {
  key: 'k',
  token: 't',
  fences: { next: 1, last: 1 },
  queue: 0,
  expiresAt: performance.now() + 60_000,
};

/** A node whose answers the test chooses. */
function nodeThat(answers: Partial<Pick<LockStore, 'poll' | 'release' | 'inspect'>>): QuorumNode {
  const node = {
    clock: systemClock,
    underway: new Set(),
    isAwaited: true,
    server: { runId: 'a', bornAt: 0 },
    releases: { owes: () => false },
    call: (_key: string, command: (from: typeof answers) => Promise<unknown>) => command(answers),
    vote: (_key: string, command: (from: typeof answers) => Promise<unknown>) => command(answers),
  };
  return node as unknown as QuorumNode;
}

/** A waiter at the first of the nodes. */
function waiterAt(nodes: readonly QuorumNode[]) {
  const all = new QuorumNodes(nodes, { clock: systemClock, commandTimeout: 1000 });
  const coordinators = new Coordinators(all);
  const claim = new Candidacy('k', 't', 30_000, nodes[0]!);
  coordinators.coordinatorOf = () => claim.coordinator;
  const context = { nodes: all, coordinators, fences: new Fences(systemClock) };
  const acquirer = new QuorumAcquirer(context);
  return { claim, poll: () => acquirer.poll(claim, COMMAND) };
}

describe('QuorumAcquirer, polling', () => {
  it('takes the turn that the coordinator has pushed before its older answer came', async () => {
    let releases = 0;
    const node = nodeThat({
      poll: async () => {
        claim.turn = TURN;
        return QUEUED;
      },
      release: async (): Promise<ReleaseReply> => {
        releases += 1;
        return 'released';
      },
    });
    const { claim, poll } = waiterAt([node]);

    expect(await poll()).toMatchObject({ kind: 'held' });
    expect(releases).toBe(0);
  });

  it('does not wait for a node that hangs once it is certain that the holder is one of the majority', async () => {
    const inspect = async () => ({ token: 'holder', leaseLeft: 1000, waiters: new Map() });
    const { poll } = waiterAt([
      nodeThat({ poll: async () => QUEUED, inspect }),
      nodeThat({ inspect }),
      nodeThat({ inspect: () => new Promise(() => {}) }),
    ]);

    expect(await poll()).toMatchObject({ kind: 'queued' });
  });
});
