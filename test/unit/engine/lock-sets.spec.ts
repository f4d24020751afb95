import { beforeEach, describe, expect, it } from '@jest/globals';

import { LockTimeoutError, LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { Call, Processes } from './processes.js';
import type { Process } from './processes.js';

const AB = ['a', 'b'];

let processes: Processes;
let one: Process;
let two: Process;

beforeEach(() => {
  processes = new Processes();
  one = processes.open();
  two = processes.open();
});

/** Keeps back the answers to steps for several keys, which the store has taken; returns what lets them go. */
function holdAnswers({ store }: Process): () => void {
  let pass!: () => void;
  const passed = new Promise<void>((resolve) => (pass = resolve));
  store.onSet = async (_, next) => {
    const reply = await next();
    await passed;
    return reply;
  };
  return pass;
}

async function inTurns(turns: number, task: () => void): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  task();
}

/** The keys that are held or waited for. */
function inUse(): string[] {
  return [...processes.space.keys(), ...AB.filter((key) => processes.space.queue(key).length > 0)];
}

describe('several keys that are asked for in one step', () => {
  it('are given back when the caller leaves just as they are there', async () => {
    const stop = new AbortController();
    one.store.onSet = (_, next) =>
      new Promise((resolve) => {
        void next().then((reply) => {
          resolve(reply);
          queueMicrotask(() => stop.abort(new Error('gone')));
        });
      });

    await expect(one.manager.acquire(AB, { signal: stop.signal })).rejects.toThrow('gone');
    await processes.clock.advance(1);

    expect(inUse()).toEqual([]);
  });

  it('are not asked for at all by a caller that has left', async () => {
    const gone = AbortSignal.abort(new Error('gone'));

    await expect(one.manager.acquire(AB, { signal: gone })).rejects.toThrow('gone');

    expect(one.store.log).toEqual([]);
  });

  it('cost one command to take, and one for each to give back', async () => {
    const lock = await one.manager.acquire(AB);
    await lock.release();

    expect(one.store.log).toEqual(['set', 'release', 'release']);
  });

  it.each<[string, (call: AbortController) => Promise<void>, object]>([
    ['an abort', async (call) => call.abort(new Error('gone')), { message: 'gone' }],
    ['its wait', () => processes.clock.advance(500), { code: 'LOCK_UNAVAILABLE', keys: AB }],
    [
      'the shutdown',
      async () => one.manager.stopWaiting(),
      { code: 'LOCK_SHUTDOWN', keys: AB, name: 'LockShutdownError' },
    ],
  ])('end at once by %s, and give back what the answer brings', async (_, end, expected) => {
    const pass = holdAnswers(one);
    const stop = new AbortController();
    const call = new Call(one.manager, { wait: 500, signal: stop.signal }, AB);
    await processes.clock.advance(10);
    expect(processes.space.keys()).toEqual(AB);

    await end(stop);
    await processes.clock.advance(1);

    expect(call.error).toMatchObject(expected);
    pass();
    await processes.clock.advance(10);
    expect(call.lock).toBeUndefined();
    expect(inUse()).toEqual([]);
  });

  it('are given back once more when they are taken after the caller that left has given them back', async () => {
    one.store.onSet = async (_, next) => {
      await processes.after(100);
      return next();
    };
    const stop = new AbortController();
    const call = new Call(one.manager, { signal: stop.signal }, AB);
    await processes.clock.advance(10);
    stop.abort(new Error('gone'));
    await processes.clock.advance(10);
    expect(one.store.log).toEqual(['set', 'release', 'release']);

    await processes.clock.advance(100);

    expect(call.error).toMatchObject({ message: 'gone' });
    expect(inUse()).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])(
    'are not held when one is taken away %i microtasks after the answer',
    async (turns) => {
      let taken = '';
      one.store.onSet = async ({ locks }, next) => {
        one.store.onSet = (_, again) => again();
        const reply = await next();
        taken = locks[1]!.token;
        void inTurns(turns, () => one.store.listener?.revoked(taken));
        return reply;
      };
      const call = new Call(one.manager, { wait: 0 }, AB);
      await processes.clock.advance(100);

      const isHeld = call.lock?.signal.aborted === false;
      expect(isHeld && processes.space.holder('b')?.token === taken).toBe(false);
    },
  );

  it('are taken once more when the answer is lost, by other tokens', async () => {
    const tokens: string[] = [];
    one.store.onSet = async ({ locks }, next) => {
      tokens.push(...locks.map(({ token }) => token));
      await next();
      throw new LockUnavailableError(AB, 'the connection was cut.');
    };

    const lock = await one.manager.acquire(AB);

    for (const key of AB) expect(tokens).not.toContain(processes.space.holder(key)?.token);
    expect(lock.remainingMs).toBeGreaterThan(25_000);
    await lock.release();
    expect(inUse()).toEqual([]);
  });

  it('that does not wait tells of an outage, and leaves nothing', async () => {
    one.store.onSet = async (_, next) => {
      await next();
      throw new LockUnavailableError(['a'], 'the connection was cut.');
    };
    const told: unknown[] = [];
    one.manager.events.on('unavailable', (event) => told.push(event));

    const call = new Call(one.manager, { wait: 0 }, AB);
    await processes.clock.advance(1050);

    expect(call.error).toMatchObject({ code: 'LOCK_UNAVAILABLE', keys: AB });
    expect(inUse()).toEqual([]);
    expect(told).toEqual([expect.objectContaining({ key: 'a', keys: AB })]);
  });

  it('that does not wait is tried again while Redis fails, until there is an answer', async () => {
    let failures = 3;
    one.store.onSet = async (_, next) => {
      if ((failures -= 1) >= 0) throw new LockUnavailableError(['a'], 'the connection was cut.');
      return next();
    };
    const call = new Call(one.manager, { wait: 0 }, AB);
    await processes.clock.advance(900);

    call.lock?.assertHeld();
    expect(call.lock?.keys).toEqual(AB);
    await call.lock?.release();
    expect(inUse()).toEqual([]);
  });

  it('of which its section holds some end within one commandTimeout when a call does not wait', async () => {
    const keys = ['a', 'b', 'c', 'd'];
    const slow = async <T>(_: unknown, next: () => Promise<T>): Promise<T> => {
      await processes.after(900);
      return next();
    };
    const done = one.manager.withLock('a', async () => {
      one.store.onSet = slow;
      one.store.onAcquire = slow;
      const taken = new Call(one.manager, { wait: 0 }, keys);
      await processes.after(1060);
      expect(taken.lock?.keys).toEqual(keys);
      await taken.lock?.release();

      one.store.onSet = () => new Promise(() => undefined);
      const refused = new Call(one.manager, { wait: 0 }, keys);
      await processes.after(1060);
      expect(refused.error).toMatchObject({ code: 'LOCK_UNAVAILABLE', keys });
    });
    await processes.clock.advance(3000);
    await done;
  });

  it('of which its section holds some are taken by a call that does not wait, or none of them', async () => {
    await one.manager.withLock('b', async () => {
      const lock = await one.manager.tryAcquire(['a', 'b', 'c']);
      expect(one.store.log).toEqual(['acquire', 'set']);
      expect(lock?.keys).toEqual(['a', 'b', 'c']);
      expect(await one.manager.tryAcquire('b')).toBeNull();
      await lock?.release();
      const busy = await two.manager.acquire('c');
      expect(await one.manager.tryAcquire(['a', 'b', 'c'])).toBeNull();
      expect(await two.manager.tryAcquire('a').then((other) => other?.release())).toBe('released');
      // Its turn of the lock of its section has ended as well.
      await (await one.manager.acquire('b')).release();
      await busy.release();
    });
    await processes.clock.advance(1);
    expect(inUse()).toEqual([]);
  });

  it('tell why the step failed when nothing is heard of the keys one by one', async () => {
    const cut = new Error('cut');
    const failed = new LockUnavailableError(['a'], 'no connection.', cut, ['127.0.0.1:1']);
    one.store.onSet = () => Promise.reject(failed);
    one.store.onAcquire = () => new Promise(() => {});
    const told: unknown[] = [];
    one.manager.events.on('unavailable', ({ error }) => told.push(error));

    const call = new Call(one.manager, { wait: 500 }, AB);
    await processes.clock.advance(700);

    const why = { cause: expect.objectContaining({ message: 'cut' }), nodes: ['127.0.0.1:1'] };
    expect(call.error).toMatchObject({ code: 'LOCK_UNAVAILABLE', keys: AB, ...why });
    expect(told).toEqual([expect.objectContaining(why)]);
  });

  it('are no lock when the answer comes after their lease', async () => {
    const pass = holdAnswers(one);
    const call = new Call(one.manager, { ttl: 1000 }, AB);
    await processes.clock.advance(1500);

    pass();
    await processes.clock.advance(10);

    // They were asked for anew, one by one.
    expect(call.lock?.remainingMs).toBeGreaterThan(800);
    await call.lock?.release();
    expect(inUse()).toEqual([]);
  });

  it('hear of those that began to wait before the answer', async () => {
    const pass = holdAnswers(one);
    const call = new Call(one.manager, {}, AB);
    await processes.clock.advance(10);
    const other = new Call(two.manager, {}, 'b');
    await processes.clock.advance(10);
    pass();
    await processes.clock.advance(10);
    const own = new Call(one.manager, {}, 'b');
    await processes.clock.advance(100);

    await call.lock?.release();
    await processes.clock.advance(10);

    expect(other.lock).toBeDefined();
    expect(own.lock).toBeUndefined();
  });

  it('do not stand before callers of one of them that came first', async () => {
    const first = new Call(one.manager, {}, 'b');
    const call = new Call(one.manager, {}, AB);
    await processes.clock.advance(10);

    expect(first.lock).toBeDefined();
    expect(call.lock).toBeUndefined();
    await first.lock?.release();
    await processes.clock.advance(10);
    expect(call.lock).toBeDefined();
  });
});

describe('several keys of which one is waited for', () => {
  it('are busy, and no outage, when the first comes after the time of the call', async () => {
    const first = await two.manager.acquire('a');
    const told: string[] = [];
    for (const name of ['timeout', 'unavailable'] as const)
      one.manager.events.on(name, () => told.push(name));
    const call = new Call(one.manager, { wait: 30 }, AB);
    await processes.clock.advance(70);
    expect(call.error).toBeUndefined();
    await first.release();
    await processes.clock.advance(10);

    expect(call.error).toMatchObject({ code: 'LOCK_TIMEOUT', keys: AB, key: 'a' });
    expect(told).toEqual(['timeout']);
    await processes.clock.advance(100);
    expect(inUse()).toEqual([]);
  });

  it('are renewed meanwhile, and entered with a whole lease, though the call renews none', async () => {
    const busy = await two.manager.acquire('b');
    const told: string[] = [];
    for (const name of ['acquired', 'renewed', 'released'] as const)
      one.manager.events.on(name, () => told.push(name));
    const call = new Call(one.manager, { ttl: 1000, renew: false, wait: 60_000 }, AB);
    await processes.clock.advance(5300);
    expect(processes.space.keys()).toEqual(['b', 'a']);
    await busy.release();
    await processes.clock.advance(10);

    expect(call.lock?.remainingMs).toBeGreaterThan(900);
    one.store.log.length = 0;
    await processes.clock.advance(2000);
    expect(one.store.log).not.toContain('renew');
    expect(told).toEqual(['acquired']);
    expect(call.lock?.signal.aborted).toBe(true);
  });

  it('are asked for from the start when one that was there is lost meanwhile', async () => {
    const busy = await two.manager.acquire('b');
    const call = new Call(one.manager, { wait: 60_000 }, AB);
    const lost: unknown[] = [];
    one.manager.events.on('lost', (event) => lost.push(event));
    await processes.clock.advance(10);
    expect(await two.manager.forceRelease('a')).toBe(true);
    const thief = await two.manager.acquire('a');
    await busy.release();
    await processes.clock.advance(100);
    expect(call.lock).toBeUndefined();
    expect(processes.space.holder('b')).toBeUndefined();

    await thief.release();
    await processes.clock.advance(100);

    expect(call.lock?.fencingToken).toBeGreaterThan(thief.fencingToken);
    expect(call.lock?.remainingMs).toBeGreaterThan(1700);
    expect(lost).toEqual([]);
  });

  it('are not taken any more once the application closes while their leases are confirmed', async () => {
    const busy = await two.manager.acquire('b');
    const call = new Call(one.manager, { renew: false, wait: 60_000 }, AB);
    await processes.clock.advance(100);
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    one.store.onRenew = async (_, next) => {
      await answered;
      return next();
    };
    await busy.release();
    await processes.clock.advance(100);

    one.manager.stopWaiting();
    answer();
    await processes.clock.advance(100);

    expect(call.error).toMatchObject({ code: 'LOCK_SHUTDOWN', keys: AB });
    expect(inUse()).toEqual([]);
  });

  it('are not waited for while Redis is silent about their leases, once the application closes', async () => {
    const busy = await two.manager.acquire('b');
    const call = new Call(one.manager, { wait: 60_000, renew: false }, AB);
    await processes.clock.advance(900);
    one.store.onRenew = () => new Promise(() => undefined);
    one.store.onRelease = () => new Promise(() => undefined);
    await busy.release();
    await processes.clock.advance(10);

    one.manager.stopWaiting();
    await processes.clock.advance(90);

    expect(call.error).toMatchObject({ code: 'LOCK_SHUTDOWN', keys: AB });
  });

  it.each(['its wait is over', 'it is aborted'])(
    'are not waited for while Redis is silent about their leases, once %s',
    async (why) => {
      const busy = await two.manager.acquire('b');
      const abort = new AbortController();
      const { signal } = abort;
      const call = new Call(one.manager, { wait: 1000, renew: false, signal }, AB);
      await processes.clock.advance(900);
      one.store.onRenew = () => new Promise(() => undefined);
      await busy.release();
      await processes.clock.advance(10);

      if (why === 'it is aborted') abort.abort('enough');
      await processes.clock.advance(why === 'it is aborted' ? 90 : 240);

      const unavailable = { code: 'LOCK_UNAVAILABLE', keys: AB };
      expect(call.error).toEqual(
        why === 'it is aborted' ? 'enough' : expect.objectContaining(unavailable),
      );
      expect(inUse()).toEqual([]);
    },
  );

  it.each([
    new LockTimeoutError(['other'], 'other', 0),
    new LockUnavailableError(['other'], 'it is down.'),
  ])(
    'are aborted with what the caller says, be it an error of another lock: $code',
    async (reason) => {
      await two.manager.acquire('b');
      const abort = new AbortController();
      let told = 0;
      one.manager.events.on('unavailable', () => (told += 1));
      const call = new Call(one.manager, { wait: 60_000, signal: abort.signal }, AB);
      await processes.clock.advance(500);
      abort.abort(reason);
      await processes.clock.advance(500);

      expect(call.error).toBe(reason);
      expect(told).toBe(0);
      expect(await one.manager.inspect('a')).toBeNull();
    },
  );

  it('count minHold and maxHold from when all are there', async () => {
    const busy = await two.manager.acquire('b');
    const options = { wait: 60_000, minHold: 3000, maxHold: 2000 };
    const call = new Call(one.manager, options, AB);
    await processes.clock.advance(2500);
    await busy.release();
    await processes.clock.advance(1900);
    expect(call.lock?.remainingMs).toBeGreaterThan(0);

    await processes.clock.advance(200);
    expect(call.lock?.signal.aborted).toBe(true);
    await processes.clock.advance(700);
    for (const key of AB) expect(await two.manager.tryAcquire(key)).toBeNull();
    await processes.clock.advance(300);
    expect(inUse()).toEqual([]);
  });

  it.each([
    ['is free', false],
    ['is busy', true],
  ])('hear whether the next %s that they come to at the end of their wait', async (_, isBusy) => {
    const { clock } = processes;
    const first = await two.manager.acquire('a');
    const second = isBusy ? await two.manager.acquire('b') : undefined;
    const call = new Call(one.manager, { wait: 1000 }, AB);
    await clock.advance(995);
    one.store.onAcquire = async (_command, next) => {
      await processes.after(20);
      return next();
    };
    await first.release();
    await clock.advance(100);

    if (isBusy) expect(call.error).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'b', keys: AB });
    else expect(call.lock?.remainingMs).toBeGreaterThan(0);
    await second?.release();
  });

  it('keep nothing once the wait is over, though Redis does not confirm it', async () => {
    const busy = await two.manager.acquire('b');
    const call = new Call(one.manager, { wait: 1000 }, AB);
    await processes.clock.advance(500);
    one.store.onRelease = () => new Promise(() => undefined);

    await processes.clock.advance(620);

    expect(call.error).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'b', keys: AB });
    await processes.clock.advance(31_000);
    expect([...processes.space.keys()]).toEqual(['b']);
    await busy.release();
  });
});

describe('a fencing number of several keys', () => {
  it('is below that of a later caller whose number was reserved before it', async () => {
    const { clock } = processes;
    const busy = await two.manager.acquire('b');
    // A lease of "a" that passes between many callers here has numbers in stock.
    const first = await one.manager.acquire('a');
    const set = new Call(one.manager, { wait: 60_000 }, AB);
    const later = Array.from({ length: 5 }, () => new Call(one.manager, { wait: 60_000 }, 'a'));
    await clock.advance(10);
    await first.release();
    await clock.advance(10);
    await busy.release();
    await clock.advance(10);
    expect(set.lock?.fencingToken).toBeGreaterThan(busy.fencingToken);
    let last = set.lock?.fencingToken ?? Infinity;
    await set.lock?.release();

    for (const call of later) {
      await clock.advance(10);
      expect(call.lock?.fencingToken).toBeGreaterThan(last);
      last = call.lock?.fencingToken ?? Infinity;
      await call.lock?.release();
    }
  });

  it('raises that of the section whose lock it takes in addition to', async () => {
    await one.manager.withLock('b', async (outer) => {
      const before = outer.fencingToken;
      await one.manager.withLock(AB, (inner) => {
        expect(inner.fencingToken).toBeGreaterThan(before);
        expect(outer.fencingToken).toBe(inner.fencingToken);
      });
    });
  });
});

describe('a lock of several keys', () => {
  it('is renewed in one go, and tells it once', async () => {
    const renewed: unknown[] = [];
    one.manager.events.on('renewed', (event) => renewed.push(event));
    const lock = await one.manager.acquire(AB, { ttl: 3000 });
    one.store.log.length = 0;

    await processes.clock.advance(1100);

    expect(one.store.log).toEqual(['renew']);
    expect(renewed).toEqual([{ key: 'a', keys: AB, label: '', template: '' }]);
    await lock.release();
  });

  it('tells its renewals once, too, where it was attached', async () => {
    const renewed: unknown[] = [];
    two.manager.events.on('renewed', (event) => renewed.push(event));
    const ticket = await (await one.manager.acquire(AB)).detach();
    const lock = await two.manager.attach(ticket, { ttl: 3000 });

    await processes.clock.advance(11_000);

    expect(renewed.length).toBeGreaterThan(0);
    expect(renewed[0]).toMatchObject({ keys: AB });
    await lock.release();
  });

  it('is lost at the deadline of the first of its leases, once', async () => {
    const lost: unknown[] = [];
    one.manager.events.on('lost', (event) => lost.push(event));
    const lock = await one.manager.acquire(AB, { ttl: 3000 });
    one.store.onRenew = async (commands, next) =>
      (await next()).map((reply, i) =>
        commands[i]?.key === 'b'
          ? { kind: 'unknown', sentAt: processes.clock.now(), error: new Error('silent') }
          : reply,
      );

    await processes.clock.advance(3000);

    expect(lock.signal.aborted).toBe(true);
    expect(lost).toEqual([expect.objectContaining({ key: 'a', keys: AB })]);
    await expect(lock.extend()).rejects.toMatchObject({ code: 'LOCK_LOST', keys: AB });
    expect(await lock.release()).toBe('lost');
    expect(inUse()).toEqual([]);
  });

  it('inside another is the running lock of its own keys alone, and names one of them when lost', async () => {
    const { manager } = one;
    const seen = await manager.withLock(
      AB,
      () =>
        manager.withLock(
          ['b', 'c'],
          async (inner) => {
            const running = AB.map((key) => manager.current(key)?.keys);
            const nested = await manager.withLock('c', () => manager.current('b')?.keys);
            await manager.forceRelease('b');
            await processes.clock.advance(1);
            return { running, nested, why: String(inner.signal.reason) };
          },
          { onLost: 'report' },
        ),
      { onLost: 'report' },
    );

    expect(seen.running).toEqual([AB, ['b', 'c']]);
    expect(seen.nested).toEqual(['b', 'c']);
    expect(seen.why).toContain('"b" is gone');
  });

  it('tells of a release that failed once, and of all keys', async () => {
    const told: unknown[] = [];
    one.manager.events.on('release-failed', (event) => told.push(event));
    const lock = await one.manager.acquire(AB);
    one.store.onRelease = () => Promise.reject(new LockUnavailableError(['x'], 'silent.'));

    await expect(lock.release()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE', keys: AB });

    expect(told).toEqual([expect.objectContaining({ key: 'a', keys: AB })]);
  });

  it('is lost when one of its keys is, though the release of another was not heard', async () => {
    one.store.onRelease = (command, next) =>
      command.key === 'a' ? Promise.reject(new LockUnavailableError(['a'], 'silent.')) : next();

    const run = one.manager.withLock(['a', 'b'], () => {
      processes.space.free('b');
      return 'done';
    });
    const outcome = expect(run).rejects.toMatchObject({ code: 'LOCK_LOST', result: 'done' });
    await processes.clock.advance(100);

    await outcome;
  });

  it('is seen by observers as one call', async () => {
    const seen: unknown[] = [];
    one.manager.observers.add({
      asked: (call) => {
        seen.push(call);
        return {
          acquired: (_ms, via) => seen.push(via),
          refused: () => seen.push('refused'),
          ended: (how) => seen.push(how),
        };
      },
    });

    await one.manager.withLock(AB, () => {});
    await two.manager.withLock('b', () =>
      expect(one.manager.acquire(AB, { wait: 0 })).rejects.toThrow(),
    );

    const asked = expect.objectContaining({ key: 'a', keys: AB });
    expect(seen).toEqual([asked, 'free', 'released', asked, 'refused']);
  });
});
