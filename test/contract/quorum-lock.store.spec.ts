import { systemClock } from '../../lib/engine/time/clock.js';
import { DRIFT } from '../../lib/engine/store/lease.js';
import type {
  AcquireReply,
  Grant,
  LockStore,
  PollReply,
  StoreEvents,
} from '../../lib/engine/store/lock-store.js';
import { TokenMint } from '../../lib/engine/store/token.js';
import { openRedisStore } from '../../lib/redis/open-redis-store.js';
import { afterTest } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { sharedQuorum } from '../support/redis-quorum.js';
import { uniquePrefix } from '../support/shared-redis.js';
import { describeLockStore } from './lock-store.contract.js';
import { COMMAND_MS, StoreParty } from './store-party.js';
import type { StoreSystem } from './store-system.js';

const quorum = sharedQuorum(3);

/**
 * The store as the engine uses it. A push tells a waiter of a quorum that its turn has come, or may
 * have; it polls at once, or soon, and that poll fetches the votes of the rest.
 */
function fetchingGrants(store: LockStore): LockStore {
  let isClosed = false;
  const keys = new Map<string, string>();
  const timers = new Set<NodeJS.Timeout>();
  /** One poll of a token at a time, and none after it was given up. */
  const polls = new Map<string, Promise<void>>();
  return {
    acquire: async (command) => {
      keys.set(command.token, command.key);
      const reply = await store.acquire(command);
      return reply.kind === 'partial' ? ((await whole(command)) as AcquireReply) : reply;
    },
    poll: (command) => store.poll(command),
    renew: (commands) => store.renew(commands),
    release: async (command) => {
      keys.delete(command.token);
      await polls.get(command.token);
      return store.release(command);
    },
    revoke: (key) => store.revoke(key),
    inspect: (key) => store.inspect(key),
    queue: (key) => store.queue(key),
    keys: (match) => store.keys(match),
    sets: undefined,
    move: undefined,
    close: () => {
      isClosed = true;
      for (const timer of timers) clearTimeout(timer);
      return store.close();
    },
    listen: (listener) =>
      store.listen({
        ...listener,
        granted: ({ token }) => ask(token, listener),
        recheck: (token, inMs) => {
          listener.recheck(token, inMs);
          timers.add(setTimeout(() => ask(token, listener), inMs));
        },
      }),
  };

  function ask(token: string, listener: StoreEvents): void {
    const before = polls.get(token) ?? Promise.resolve();
    const poll = before.then(() => fetch(token, listener));
    polls.set(token, poll);
  }

  async function fetch(token: string, listener: StoreEvents): Promise<void> {
    const key = keys.get(token);
    if (key === undefined) return;
    const reply = await whole({ key, token }).catch((error: unknown) => {
      // A test may end while its last grant is being fetched.
      if (!isClosed) throw error;
      return undefined;
    });
    if (reply?.kind !== 'held') return;
    keys.delete(token);
    const { sentAt, lease, fences, queue } = reply;
    listener.granted({ key, token, fences, queue, expiresAt: sentAt + lease * DRIFT });
  }

  /** Polls until the rest of the nodes has answered yes, or it is nobody's turn any more. */
  async function whole({ key, token }: Pick<Grant, 'key' | 'token'>): Promise<PollReply> {
    const reply = await store.poll({
      key,
      token,
      until: performance.now() + COMMAND_MS,
      callers: 1,
    });
    return reply.kind === 'partial' ? whole({ key, token }) : reply;
  }
}

/**
 * A command is over when a majority has answered, and a vote that came too late goes back within
 * milliseconds: what two looks see, one soon after the other.
 */
async function settled(look: () => Promise<string[]>): Promise<string[]> {
  let before: string[] | undefined;
  return eventually(
    async () => {
      const now = await look();
      const isSettled = now.join() === before?.join();
      before = now;
      if (!isSettled) throw new Error('The last commands are under way.');
      return now;
    },
    { every: 50 },
  );
}

const system = async (): Promise<StoreSystem> => {
  const keyPrefix = uniquePrefix();
  const clients = quorum().urls.map((url) => openClient(url));
  const stored = async (): Promise<string[]> => {
    const found = await Promise.all(clients.map((client) => client.keys(`${keyPrefix}*`)));
    return [...new Set(found.flat())].filter((key) => key !== `${keyPrefix}!fence`).sort();
  };
  const listening = (boot: string, count: 0 | 1): Promise<void> =>
    eventually(async () => {
      for (const client of clients) {
        const [, found] = await client.pubsub('NUMSUB', `${keyPrefix}!g:${boot}`);
        if (found !== count) throw new Error(`${String(found)} subscriptions, not ${count}.`);
      }
    });
  return {
    join: async () => {
      const mint = new TokenMint();
      const options = { keyPrefix, commandTimeout: 10_000, boot: mint.boot, clock: systemClock };
      const store = fetchingGrants(openRedisStore(quorum().urls, options));
      afterTest(() => store.close());
      const party = new StoreParty(mint, store);
      await listening(mint.boot, 1);
      return party;
    },
    leave: async (party) => {
      await party.store.close();
      await listening(party.boot, 0);
    },
    leftovers: () => settled(stored),
  };
};

describeLockStore('QuorumLockStore', system, { lacks: ['one-place', 'kinds', 'moves'] });
