import { beforeEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, Get, Injectable, Param, Post } from '@nestjs/common';
import {
  HeldLock,
  type Lock,
  type LockEventMap,
  Locked,
  LockService,
  type RedisLockModuleOptions,
} from 'nestjs-redis-lock';

import { eventually } from '../support/eventually.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { PLATFORMS, startApp, type TestApp } from './support/app.js';
import { Stage } from './support/stage.js';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

interface Transfer {
  readonly from: string;
  readonly to: string;
}

@Injectable()
class Ledger {
  constructor(private readonly locks: LockService) {}

  @Locked(['account:{0}', 'account:{1}'])
  async move(from: string, to: string): Promise<readonly string[]> {
    const held = [from, to].map((id) => this.locks.current(`account:${id}`)?.fencingToken);
    expect(held).toEqual([expect.any(Number), held[0]]);
    await stage.pass(`${from}>${to}`);
    return this.locks.current()?.keys ?? [];
  }

  @Locked(({ args: [ids] }) => (ids as string[]).map((id) => `account:${id}`))
  async audit(ids: readonly string[], @HeldLock() lock?: Lock): Promise<readonly string[]> {
    for (const id of ids) await this.touch(id);
    return lock?.keys ?? [];
  }

  @Locked('account:{0}', { wait: 0 })
  async touch(id: string): Promise<string> {
    return id;
  }

  @Locked(['account:{0}', 'account:{1}'], { ifBusy: 'skip' })
  async tryMove(from: string, to: string): Promise<string> {
    return `${from}>${to}`;
  }

  @Locked('report', { mode: 'shared', wait: 0 })
  async read(name: string): Promise<string> {
    return stage.pass(name);
  }

  @Locked('report', { wait: 0 })
  async rebuild(): Promise<string> {
    return stage.pass('rebuild');
  }

  @Locked('exports', { permits: 2, wait: 0 })
  async export(name: string): Promise<string> {
    return stage.pass(name);
  }
}

@Controller()
class Accounts {
  constructor(private readonly locks: LockService) {}

  @Post('transfers')
  @Locked(['account:{body.from}', 'account:{body.to}'], { wait: '2s' })
  async transfer(@Body() { from, to }: Transfer, @HeldLock() lock: Lock): Promise<object> {
    lock.assertHeld();
    await stage.pass(`${from}>${to}`);
    return { keys: lock.keys, current: this.locks.current(`account:${to}`)?.keys };
  }

  @Post('orders')
  @Locked(['account:{body.from}', 'account:{body.to}'])
  async order(@Body() { from, to }: Transfer): Promise<string> {
    return stage.pass(`${from}>${to}`);
  }

  @Get('reports/:name')
  @Locked('report:{params.name}', { mode: 'shared', wait: 0 })
  async read(@Param('name') name: string): Promise<string> {
    return stage.pass(name);
  }

  @Post('reports/:name')
  @Locked('report:{params.name}', { wait: 0 })
  async rebuild(@Param('name') name: string): Promise<string> {
    return stage.pass(`rebuild ${name}`);
  }

  @Get('exports/:name')
  @Locked('exports', { permits: 2, wait: 0 })
  async export(@Param('name') name: string): Promise<string> {
    return stage.pass(name);
  }
}

async function post(url: string, body: object = {}): Promise<{ status: number; body: unknown }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: await response.json().catch(() => undefined) };
}

const onRedis = (): Partial<RedisLockModuleOptions> => ({
  connection: sharedRedisUrl(),
  keyPrefix: uniquePrefix(),
});

describe.each(PLATFORMS)('a handler with several keys on %s', (platform) => {
  const start = (): Promise<TestApp> =>
    startApp({ platform, controllers: [Accounts], lock: onRedis() });

  it('holds all of them, whichever way round they come, and answers a busy one with its templates', async () => {
    const { url, locks } = await start();
    const first = post(`${url}/transfers`, { from: '2', to: '1' });
    await stage.arrived(1);
    for (const key of ['account:1', 'account:2']) expect(await locks.tryAcquire(key)).toBeNull();

    const busy = await post(`${url}/transfers`, { from: '1', to: '3' });

    expect(busy.status).toBe(423);
    expect(busy.body).toMatchObject({
      code: 'LOCK_TIMEOUT',
      key: 'account:{body.from}, account:{body.to}',
    });
    expect(JSON.stringify(busy.body)).not.toMatch(/account:[13]/);
    await (await locks.acquire('account:3', { wait: 0 })).release();
    stage.open();
    const keys = ['account:1', 'account:2'];
    expect(await first).toEqual({ status: 201, body: { keys, current: keys } });
    await eventually(async () => expect(await locks.inspect('account:1')).toBeNull());
  });

  it('takes two parts of one value for one key, and refuses a call without one of them', async () => {
    const { url } = await start();
    stage.open();

    const same = await post(`${url}/transfers`, { from: '1', to: '1' });
    const missing = await post(`${url}/transfers`, { from: '1' });

    expect(same.body).toMatchObject({ keys: ['account:1'] });
    expect(missing.status).toBe(400);
    expect(stage.entries).toEqual(['1>1']);
  });

  it('serves transfers in opposite order at once, all of them', async () => {
    const { url } = await startApp({
      ...{ platform, controllers: [Accounts] },
      lock: { ...onRedis(), wait: '30s' },
    });
    stage.open();
    const pairs = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? ['1', '2'] : ['2', '1']));
    const send = async ([from, to]: string[]): Promise<number> =>
      (await post(`${url}/orders`, { from, to })).status;

    expect(await Promise.all(pairs.map(send))).toEqual(pairs.map(() => 201));
    expect(stage.most).toBe(1);
  });
});

describe.each(PLATFORMS)('a handler with a kind of lock on %s', (platform) => {
  const start = (): Promise<TestApp> =>
    startApp({ platform, controllers: [Accounts], lock: onRedis() });

  it("mode: 'shared': readers beside readers, none beside the one that rebuilds", async () => {
    const { url, locks } = await start();
    const readers = ['a', 'a', 'a'].map((name) => fetch(`${url}/reports/${name}`));
    await stage.arrived(3);
    expect(await locks.inspect('report:a')).toMatchObject({ mode: 'shared' });

    expect((await post(`${url}/reports/a`)).status).toBe(423);
    stage.open();
    for (const reader of readers) expect((await reader).status).toBe(200);
    await eventually(async () => expect((await post(`${url}/reports/a`)).status).toBe(201));
    expect(stage.most).toBe(3);
  });

  it('permits: as many requests at once as there are, the next is busy', async () => {
    const { url, locks } = await start();
    const running = ['a', 'b'].map((name) => fetch(`${url}/exports/${name}`));
    await stage.arrived(2);
    expect(await locks.inspect('exports')).toMatchObject({ permits: 2 });

    expect((await fetch(`${url}/exports/c`)).status).toBe(423);
    stage.open();
    for (const one of running) expect((await one).status).toBe(200);
    expect(stage.most).toBe(2);
  });
});

describe('a method of a provider', () => {
  async function start(): Promise<{ ledger: Ledger; locks: LockService }> {
    const { app, locks } = await startApp({ providers: [Ledger], lock: onRedis() });
    return { ledger: app.get(Ledger), locks };
  }

  it('with several keys holds all of them: sorted, each once', async () => {
    const { ledger, locks } = await start();
    const moving = ledger.move('2', '1');
    await stage.arrived(1);
    expect(await locks.tryAcquire(['account:1', 'account:9'])).toBeNull();
    stage.open();

    expect(await moving).toEqual(['account:1', 'account:2']);
    expect(await ledger.move('7', '7')).toEqual(['account:7']);
  });

  it('with a function for its keys re-enters for each of them', async () => {
    const { ledger } = await start();

    expect(await ledger.audit(['3', '1', '2', '1'])).toEqual([
      ...['account:1', 'account:2', 'account:3'],
    ]);
    await expect(ledger.audit([])).rejects.toMatchObject({ code: 'LOCK_KEY' });
  });

  it('skips when one of its keys is busy, and tells all of them', async () => {
    const { ledger, locks } = await start();
    const skipped: LockEventMap['skipped'][] = [];
    locks.events.on('skipped', (event) => skipped.push(event));
    await using _lock = await locks.acquire('account:2');

    expect(await ledger.tryMove('2', '1')).toBeUndefined();

    const keys = ['account:1', 'account:2'];
    const template = 'account:{0}, account:{1}';
    expect(skipped).toEqual([{ key: 'account:2', keys, label: 'Ledger.tryMove', template }]);
  });

  it('with a kind of lock runs beside its like, and beside nobody else', async () => {
    const { ledger } = await start();
    const readers = ['a', 'b'].map((name) => ledger.read(name));
    await stage.arrived(2);
    await expect(ledger.rebuild()).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    const exports = ['c', 'd'].map((name) => ledger.export(name));
    await stage.arrived(4);
    await expect(ledger.export('e')).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    stage.open();

    expect(await Promise.all([...readers, ...exports])).toEqual(['a', 'b', 'c', 'd']);
    await eventually(async () => expect(await ledger.rebuild()).toBe('rebuild'));
  });
});
