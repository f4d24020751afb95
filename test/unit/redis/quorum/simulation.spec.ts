import { beforeEach, describe, expect, it } from '@jest/globals';

import { readSettings } from '../../../../lib/engine/api/lock-options.check.js';
import { OptionReader } from '../../../../lib/engine/api/option-reader.js';
import { TokenMint } from '../../../../lib/engine/store/token.js';
import { LockManager } from '../../../../lib/engine/lock-manager.js';
import { inOrder } from '../../../../lib/redis/quorum/arithmetic.js';
import { QuorumLockStore } from '../../../../lib/redis/quorum/quorum-lock.store.js';
import { keepLocks } from '../../../support/keep-locks.js';
import { VirtualClock } from '../../../support/virtual-clock.js';
import { Call } from '../../engine/processes.js';
import { COMMAND_TIMEOUT, SimulatedServer } from './simulated-server.js';

const TTL = 5000;

/** The whole quorum and the engine above it, without a socket: only the test moves the clock. */
describe('a quorum of three simulated servers', () => {
  let clock: VirtualClock;
  let servers: SimulatedServer[];
  /** A key whose queue is on the first server. */
  let key: string;

  beforeEach(() => {
    clock = new VirtualClock();
    servers = ['a:1', 'b:1', 'c:1'].map((name) => new SimulatedServer(name, clock));
    for (let n = 0; ; n += 1) {
      key = `k${n}`;
      if (inOrder(servers, key)[0] === servers[0]) break;
    }
  });

  function openStore(boot: string, inOrderOf = servers): QuorumLockStore {
    const linked = inOrderOf.map((server) => server.connect(boot));
    return new QuorumLockStore(linked, { clock, commandTimeout: COMMAND_TIMEOUT, ttl: TTL });
  }

  function open(inOrderOf = servers): LockManager {
    const options = { ttl: TTL, commandTimeout: COMMAND_TIMEOUT, shutdownTimeout: 0 };
    const settings = readSettings(new OptionReader(options));
    return keepLocks(new LockManager(settings, (boot) => openStore(boot, inOrderOf), clock));
  }

  const holders = (): (string | undefined)[] => servers.map((server) => server.holder(key));

  it('gives a free lock after one round trip, keeps it by renewals, and frees all nodes', async () => {
    const call = new Call(open(), {}, key);
    await clock.advance(2);
    expect(call.lock).toBeDefined();
    expect(new Set(holders()).size).toBe(1);

    await clock.advance(10 * TTL);
    expect(call.lock!.remainingMs).toBeGreaterThan(TTL / 2);

    void call.lock!.release();
    await clock.advance(2);
    expect(holders()).toEqual([undefined, undefined, undefined]);
  });

  it('hands the lock to the process that waits, with a larger number, three trips after the release', async () => {
    for (const server of servers) server.delay = 10;
    const first = new Call(open(), {}, key);
    await clock.advance(20);
    const next = new Call(open(), { wait: Infinity }, key);
    await clock.advance(1000);
    expect(next.lock).toBeUndefined();

    void first.lock!.release();
    // The release, its push, and the question for the rest with its answer.
    await clock.advance(40);

    expect(next.lock!.fencingToken).toBeGreaterThan(first.lock!.fencingToken);
    void next.lock!.release();
    await clock.advance(20);
  });

  it.each([0, 1, 2])('hands it over though server %i has fallen silent', async (silent) => {
    const first = new Call(open(), {}, key);
    await clock.advance(10);
    const next = new Call(open(), { wait: Infinity }, key);
    await clock.advance(500);
    servers[silent]!.isSilent = true;

    void first.lock!.release();
    await clock.advance(3 * COMMAND_TIMEOUT + 2500);

    expect(next.lock?.remainingMs).toBeGreaterThan(0);
    servers[silent]!.isSilent = false;
    void next.lock!.release();
    await clock.advance(TTL + 15_000);
    expect(holders()).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    [0, 1],
    [0, 2],
    [1, 2],
  ])(
    'never calls a key busy that nobody holds when servers %i and %i come back as the wait ends',
    async (...away) => {
      const outcomes: unknown[] = [];
      for (let backAt = 1000; backAt < 3060; backAt += 41) {
        for (const i of away) servers[i]!.isSilent = true;
        const call = new Call(open(), { wait: 3000 }, key);
        await clock.advance(backAt);
        for (const i of away) servers[i]!.isSilent = false;
        await clock.advance(2 * COMMAND_TIMEOUT);

        outcomes.push((call.error as { code?: string } | undefined)?.code ?? 'held');
        void call.lock?.release();
        await clock.advance(TTL + 15_000);
      }
      expect(outcomes).not.toContain('LOCK_TIMEOUT');
      expect(outcomes).toContain('LOCK_UNAVAILABLE');
    },
  );

  it('passes over a foreign key at the first server for callers that do not wait, at the second look', async () => {
    const manager = open();
    servers[0]!.space.admit(key, 'foreign', Infinity);
    const first = new Call(manager, { wait: 0 }, key);
    await clock.advance(100);
    expect(first.error).toMatchObject({ code: 'LOCK_TIMEOUT' });

    await clock.advance(500);
    const second = new Call(manager, { wait: 0 }, key);
    await clock.advance(100);

    expect(second.lock?.remainingMs).toBeGreaterThan(0);
    void second.lock!.release();
    await clock.advance(100);
    expect(holders()).toEqual(['foreign', undefined, undefined]);
  });

  it.each([2500, 4000, 6000, 9000])(
    'leaves a held lock held, though others wait and all restart one after another, %i ms apart',
    async (apart) => {
      const holder = new Call(open(), { ttl: TTL }, key);
      await clock.advance(10);
      const waiters = [open(), open()].map((each) => new Call(each, { wait: Infinity }, key));
      await clock.advance(700);

      for (const server of servers) {
        server.restart();
        await clock.advance(apart);
        expect(holder.lock!.signal.aborted).toBe(false);
        expect(waiters.map(({ lock }) => lock)).toEqual([undefined, undefined]);
      }

      void holder.lock!.release();
      await clock.advance(2 * TTL);
      const first = waiters.find(({ lock }) => lock !== undefined);
      expect(first!.lock!.fencingToken).toBeGreaterThan(holder.lock!.fencingToken);
      void first!.lock!.release();
      await clock.advance(2 * TTL);
      expect(waiters.every(({ lock }) => lock !== undefined)).toBe(true);
      for (const { lock } of waiters) void lock!.release();
      await clock.advance(100);
    },
  );

  it('goes to one of two that are first in line at different servers, though all have restarted', async () => {
    const [first, second, third] = servers as [SimulatedServer, SimulatedServer, SimulatedServer];
    const managers = [open(), open(), open([second, first, third])];
    await clock.advance(10);
    for (const server of servers) server.restart();
    await clock.advance(4 * TTL);
    const holder = new Call(managers[0]!, {}, key);
    await clock.advance(10);
    const waiters = managers.slice(1).map((each) => new Call(each, { wait: Infinity }, key));
    await clock.advance(700);
    expect(servers.map((server) => server.queued(key))).toEqual([1, 1, 0]);
    // Each has a majority before it hears of the other.
    for (const server of [first, second]) server.delay = 5;

    void holder.lock!.release();
    await clock.advance(4 * TTL);

    const served = waiters.filter(({ lock }) => lock !== undefined);
    expect(served).toHaveLength(1);
    void served[0]!.lock!.release();
    await clock.advance(4 * TTL);
    expect(waiters.every(({ lock }) => lock !== undefined)).toBe(true);
    for (const { lock } of waiters) void lock!.release();
    await clock.advance(100);
  });

  it.each([
    ['', false, TTL],
    [', and one that has not is out of reach of a caller with a shorter lease', true, 2000],
  ])(
    'never gives it to two, though a server has forgotten the holder in a restart%s',
    async (_, isAway, ttl) => {
      // A holder that hears nothing: nobody tells it that it has lost a server.
      const mint = new TokenMint();
      const token = mint.next(2000, 1, '');
      // The third has no part in it: with one that forgets it would be a majority for somebody else.
      servers[2]!.isSilent = true;
      const until = clock.now() + COMMAND_TIMEOUT;
      const held = openStore(mint.boot).acquire({ key, token, ttl: TTL, until, fences: 1 });
      await clock.advance(2 * COMMAND_TIMEOUT);
      const reply = await held;
      if (reply.kind !== 'held')
        throw new Error(`The lock was expected to be free: ${reply.kind}.`);
      servers[2]!.isSilent = false;
      servers[1]!.restart();
      servers[0]!.isSilent = isAway;

      const next = new Call(open(), { wait: Infinity, ttl }, key);
      const leaseEnds = reply.sentAt + TTL;
      await clock.advance(leaseEnds - clock.now() - 1);
      expect(next.lock).toBeUndefined();
      await clock.advance(2 * TTL);

      expect(next.lock!.fencingToken).toBeGreaterThan(reply.fences.last);
      void next.lock!.release();
      await clock.advance(100);
    },
  );

  it.each([500, 1000, 1900])(
    'never gives it to two, though most servers have restarted one after another, %i ms apart',
    async (apart) => {
      const mint = new TokenMint();
      const token = mint.next(2000, 1, '');
      const until = clock.now() + COMMAND_TIMEOUT;
      // A holder that hears nothing, as before.
      const asked = openStore(mint.boot).acquire({ key, token, ttl: TTL, until, fences: 1 });
      await clock.advance(100);
      const held = await asked;
      for (const server of servers.slice(1)) {
        server.restart();
        await clock.advance(apart);
      }

      const next = new Call(open(), { wait: Infinity, ttl: TTL }, key);
      await clock.advance(held.sentAt + TTL - clock.now() - 1);
      expect(next.lock).toBeUndefined();
      await clock.advance(2 * TTL);

      void next.lock!.release();
      await clock.advance(100);
    },
  );
});
