import { describe, expect, it } from '@jest/globals';

import { TokenMint } from '../../lib/engine/token.js';
import { openRedisStore } from '../../lib/redis/open-redis-store.js';
import { inOrder } from '../../lib/redis/quorum.js';
import { StoreParty } from '../contract/store-party.js';
import { afterTest, closing } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient, openManager } from '../support/managers.js';
import { NOISE_MS } from '../support/noise.js';
import { RedisQuorum } from '../support/redis-quorum.js';
import { RedisServer } from '../support/redis-server.js';
import { timed } from '../support/timed.js';

const COMMAND_TIMEOUT = 500;
/** A waiter that was granted the lock and is dead delays the next one by this much. */
const CLAIM_MS = 2000;

/** Five servers, what they hold, and a key for which the first of them coordinates. */
async function fiveServers() {
  const quorum = closing(await RedisQuorum.start(5));
  const { servers, urls } = quorum;
  let key = '';
  for (let n = 0; inOrder(servers, key)[0] !== servers[0]; n += 1) key = `k${n}`;
  const clients = urls.map((url) => openClient(url));
  const held = () =>
    Promise.all(clients.map((client) => client.get(`lock:${key}`).catch(() => null)));
  const options = { commandTimeout: COMMAND_TIMEOUT, wait: 30_000 };
  const open = (more = {}) => openManager(urls, { ...options, ...more });
  return { servers, urls, key, clients, held, open };
}

/** A process that takes no notice of what it is told, as if it were dead. */
async function deafWaiter(urls: readonly string[], key: string) {
  const mint = new TokenMint();
  const store = openRedisStore(urls, {
    keyPrefix: 'lock:',
    commandTimeout: COMMAND_TIMEOUT,
    boot: mint.boot,
  });
  afterTest(() => store.close());
  const party = new StoreParty(mint, store);
  await party.take('warm-up');
  return { party, token: await party.wait(key) };
}

describe('a lock that passes from process to process on a quorum', () => {
  it('leaves its votes to the successor', async () => {
    const { urls, key, held, open } = await fiveServers();
    const a = open();
    const lock = await a.acquire(key);
    const { party, token } = await deafWaiter(urls, key);
    // The push that somebody waits may be on its way still; the answer tells it as well.
    await lock.extend();
    const [own] = await held();

    expect(await lock.release()).toBe('released');
    const grant = await party.granted(token);
    expect(grant.from).toBe(own);
    expect((await held())[0]).toBe(token);
    expect(await party.poll(key, token)).toMatchObject({ kind: 'held' });

    await eventually(async () => expect(new Set(await held())).toEqual(new Set([token])));
  });

  it('has no old votes left when the successor is dead, and goes to the next', async () => {
    const { urls, key, held, open } = await fiveServers();
    const [a, c] = [open(), open()];
    const lock = await a.acquire(key);
    const { token } = await deafWaiter(urls, key);
    const next = c.acquire(key);
    await eventually(async () => expect((await a.inspect(key))?.waiters).toBe(2));
    await lock.extend();

    await lock.release();
    await eventually(async () => expect(await held()).toEqual([token, null, null, null, null]));

    const { ms } = await timed(async () => (await next).release());
    // Far from the 30 s of the lease.
    expect(ms).toBeLessThan(CLAIM_MS + 500 + NOISE_MS);
  });

  it('leaves nothing of the old holder when that one closes at once', async () => {
    const { urls, key, held, open } = await fiveServers();
    const a = open();
    const lock = await a.acquire(key);
    const { token } = await deafWaiter(urls, key);
    await lock.extend();

    await lock.release();
    await a.close();

    expect(await held()).toEqual([token, null, null, null, null]);
  });

  it('leaves no old vote at a server that hung meanwhile', async () => {
    const { servers, key, clients, open } = await fiveServers();
    const [a, b] = [open(), open()];
    const lock = await a.acquire(key);
    const own = await eventually(async () => {
      const token = await clients[4]!.get(`lock:${key}`);
      if (token === null) throw new Error('The last server has not answered yet.');
      return token;
    });
    const waiting = b.acquire(key);
    await eventually(async () => expect((await a.inspect(key))?.waiters).toBe(1));
    await lock.extend();
    servers[4]!.pause();

    await lock.release();
    const second = await waiting;
    const again = a.acquire(key);
    await eventually(async () => expect((await b.inspect(key))?.waiters).toBe(1));
    await second.release();
    const third = await again;
    servers[4]!.resume();

    await eventually(async () => expect(await clients[4]!.get(`lock:${key}`)).not.toBe(own));
    await third.release();
  });

  it('was not lost when the coordinator has forgotten it', async () => {
    const { key, clients, open } = await fiveServers();
    const [a, b] = [open({ localHandoffs: 0 }), open({ localHandoffs: 0 })];
    const lost: unknown[] = [];
    a.events.on('lost', (event) => lost.push(event));
    const lock = await a.acquire(key);
    const [own, other] = [a.acquire(key), b.acquire(key)];
    await eventually(async () => expect((await a.inspect(key))?.waiters).toBe(2));
    await lock.extend();
    await clients[0]!.flushall();

    expect(await lock.release()).toBe('released');

    for (const waiting of [own, other]) await (await waiting).release();
    expect(lost).toEqual([]);
  });
});

describe('one of the servers', () => {
  /** Processes that use one server by itself; all of them are subscribed. */
  async function parties(count: number) {
    const { url } = closing(await RedisServer.start());
    const joined = Array.from({ length: count }, () => {
      const mint = new TokenMint();
      const options = { keyPrefix: 'lock:', commandTimeout: COMMAND_TIMEOUT, boot: mint.boot };
      const store = openRedisStore(url, options);
      afterTest(() => store.close());
      return new StoreParty(mint, store);
    });
    await eventually(async () => {
      for (const { reconnects } of joined) expect(reconnects).toBeGreaterThan(0);
    });
    return joined as [StoreParty, StoreParty, StoreParty];
  }

  it('says by whom a lock was given up only when it was given up everywhere', async () => {
    const [a, b, c] = await parties(3);
    const first = await a.take('k');
    const second = await b.wait('k');
    const third = await c.wait('k');

    await a.release('k', first);
    expect((await b.granted(second)).from).toBeUndefined();
    await b.queue('k', b.token(), { yields: second });
    expect((await c.granted(third)).from).toBe(second);
  });

  it('gives the vote of who gave the lock up to the successor, and no other', async () => {
    const [a, b, c] = await parties(3);
    const first = await a.take('k');
    const second = b.token();
    const takeOver = () => b.acquire('k', second, { yields: first });

    expect(await b.acquire('k', second, { yields: c.token() })).toMatchObject({ kind: 'busy' });
    expect(await takeOver()).toMatchObject({ kind: 'held' });
    expect(await takeOver()).toMatchObject({ kind: 'held' });
    expect((await a.store.inspect('k'))?.token).toBe(second);
    expect(await a.release('k', first)).toBe('not-held');
    expect((await a.store.inspect('k'))?.token).toBe(second);
  });

  it('gives that vote to who waits there first', async () => {
    const [a, b, c] = await parties(3);
    const first = await a.take('k');
    const waiting = await c.wait('k');

    expect(await b.acquire('k', b.token(), { yields: first })).toMatchObject({ kind: 'busy' });

    expect((await a.store.inspect('k'))?.token).toBe(waiting);
  });
});
