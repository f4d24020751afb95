import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, it } from '@jest/globals';
import type { ModulesContainer } from '@nestjs/core';
import { LockService } from 'nestjs-redis-lock';

import { type BoardUpdate, LockPoller, type Viewer } from '../../../lib/board/lock-poller.js';
import { managerOf } from '../../../lib/nest/service/lock.service.js';
import { afterTest } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';
import { Gate } from '../../support/gate.js';

/** A board of lock services in memory. */
function boardOf(...services: LockService[]): LockPoller {
  const providers = new Map(
    services.map((instance, i) => [
      i === 0 ? LockService : `LockService(${i})`,
      { instance, isAlias: false },
    ]),
  );
  const poller = new LockPoller(new Map([['app', { providers }]]) as unknown as ModulesContainer);
  afterTest(async () => {
    poller.onModuleDestroy();
    for (const service of services) await service.shutdown();
  });
  return poller;
}

const inMemory = (): LockService => new LockService({ connection: 'memory', shutdownTimeout: 0 });

/** Lets `change` stand between the board and the pages of keys that it asks for. */
function changePages(
  service: LockService,
  change: (pages: () => AsyncIterable<readonly string[]>) => AsyncIterable<readonly string[]>,
): void {
  const { viewer } = managerOf(service)!;
  const pages = viewer.pages.bind(viewer);
  viewer.pages = () => change(pages);
}

/** A board of a store with keys without end, none of them a lock; counts the pages that it asks for. */
function boardOfManyKeys(): { readonly poller: LockPoller; readonly asked: () => number } {
  const service = inMemory();
  let pages = 0;
  changePages(service, async function* () {
    for (;;) {
      pages += 1;
      await turn();
      yield [];
    }
  });
  return { poller: boardOf(service), asked: () => pages };
}

/** A viewer that keeps what it is told. */
function reader(): Viewer & { readonly got: BoardUpdate[] } {
  const got: BoardUpdate[] = [];
  return { got, send: (update) => void got.push(update), end: () => {} };
}
const keysOf = ({ rows }: BoardUpdate): string[] => rows.map(({ key }) => key);

const viewer = (): Viewer => ({ send: () => {}, end: () => {} });
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await turn();
};

describe('a board of a store with very many keys', () => {
  it('asks for no more of them once its last viewer has left', async () => {
    const { poller, asked } = boardOfManyKeys();
    const only = viewer();
    poller.watch(only);
    await eventually(() => expect(asked()).toBeGreaterThan(1));

    poller.leave(only);
    await turns(10);
    const before = asked();
    await turns(200);

    expect(asked()).toBe(before);
  });

  it('goes on at its pace for a viewer that comes as the last one leaves', async () => {
    const { poller, asked } = boardOfManyKeys();
    const first = viewer();
    poller.watch(first);
    await eventually(() => expect(asked()).toBeGreaterThan(1));

    poller.leave(first);
    poller.watch(viewer());
    await turns(10);
    const before = asked();
    await turns(1000);

    // Without a pause it would be a page a turn or two.
    expect(asked() - before).toBeLessThan(300);
  });
});

describe('a viewer of a board', () => {
  it('is told nothing before a first look has ended, and then of every lock', async () => {
    const service = inMemory();
    await service.acquire('k');
    const looking = new Gate();
    changePages(service, async function* (pages) {
      await looking.passed;
      yield* pages();
    });
    const poller = boardOf(service);
    const [first, second] = [reader(), reader()];
    poller.watch(first);
    await turns(5);
    poller.watch(second);
    expect(second.got).toEqual([]);
    looking.open();

    await eventually(() => expect(first.got).toHaveLength(1));
    for (const { got } of [first, second]) {
      expect(got.map(keysOf)).toEqual([['k']]);
      expect(got[0]).toMatchObject({ whole: true });
    }
  });

  it('is told, when it comes during an outage, what was seen before and why that is old', async () => {
    const service = inMemory();
    await service.acquire('k');
    let isAway = false;
    changePages(service, async function* (pages) {
      if (isAway) throw new Error('Redis is away.');
      yield* pages();
    });
    const poller = boardOf(service);
    const [first, second] = [reader(), reader()];
    poller.watch(first);
    await eventually(() => expect(first.got).toHaveLength(1));
    isAway = true;
    await eventually(() => expect(first.got.at(-1)).toMatchObject({ error: 'Redis is away.' }));

    poller.watch(second);
    expect(second.got).toMatchObject([{ whole: true, error: 'Redis is away.' }]);
    expect(second.got.map(keysOf)).toEqual([['k']]);

    await service.acquire('meanwhile');
    isAway = false;
    await eventually(() => expect(second.got).toHaveLength(2));
    for (const { got } of [first, second]) {
      const last = got.at(-1)!;
      expect(last).toMatchObject({ whole: true });
      expect(last).not.toHaveProperty('error');
      const early = Object.fromEntries(last.rows.map((row) => [row.key, row.holders[0]?.early]));
      expect(early).toEqual({ k: true, meanwhile: true });
    }
  });

  it('is told of an error once, and at once when it comes before any look has ended', async () => {
    const service = inMemory();
    let asked = 0;
    changePages(service, async function* () {
      asked += 1;
      await turn();
      yield [];
      throw new Error('Redis is away.');
    });
    const poller = boardOf(service);
    const [first, second] = [reader(), reader()];
    poller.watch(first);
    await eventually(() => expect(asked).toBe(3));
    poller.watch(second);

    const told = [{ whole: false, rows: [], error: 'Redis is away.' }];
    expect(first.got).toMatchObject(told);
    expect(second.got).toMatchObject(told);
  });

  it('is told when there is no lock service', async () => {
    const poller = boardOf();
    const only = reader();
    poller.watch(only);

    await eventually(() =>
      expect(only.got).toMatchObject([{ error: expect.stringContaining('no lock service') }]),
    );
  });

  it('that comes while a look is given up does not see go what was not looked at', async () => {
    const [one, other] = [inMemory(), inMemory()];
    await one.acquire('k');
    const gates: Gate[][] = [[], []];
    [one, other].forEach((service, i) =>
      changePages(service, async function* (pages) {
        const gate = new Gate();
        gates[i]!.push(gate);
        await gate.passed;
        yield* pages();
      }),
    );
    const open = async (service: 0 | 1, look: number): Promise<void> => {
      await eventually(() => expect(gates[service]!.length).toBeGreaterThan(look));
      gates[service]![look]!.open();
    };
    const poller = boardOf(one, other);
    const [first, second] = [reader(), reader()];
    poller.watch(first);
    await open(0, 0);
    await open(1, 0);
    await eventually(() => expect(gates[0]).toHaveLength(2));

    poller.leave(first);
    await open(0, 1);
    await eventually(() => expect(gates[1]).toHaveLength(2));
    poller.watch(second);
    await open(1, 1);
    await open(0, 2);
    await open(1, 2);
    await eventually(() => expect(gates[0]).toHaveLength(4));

    expect(second.got.map(keysOf)).toEqual([['k']]);
    expect(second.got[0]?.gone).toEqual([]);
  });

  it('is told how many locks are hidden, also when nothing else changes', async () => {
    const service = inMemory();
    let count = 2001;
    changePages(service, async function* () {
      await turn();
      yield Array.from({ length: count }, (_, i) => `k${i}`);
    });
    const poller = boardOf(service);
    const first = reader();
    poller.watch(first);
    await eventually(() => expect(first.got.at(-1)?.hidden).toBe(1), { within: 10_000 });

    count = 2500;
    await turns(5);
    const second = reader();
    poller.watch(second);
    expect(second.got.at(-1)?.hidden).toBe(1);
    await eventually(() => expect(first.got.at(-1)?.hidden).toBe(500), { within: 20_000 });
    expect(second.got.at(-1)?.hidden).toBe(500);
  }, 40_000);
});
