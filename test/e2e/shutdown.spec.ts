import { beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import { Locked, LockService, LockShutdownError, type Lock } from 'nestjs-redis-lock';

import { openClient } from '../support/managers.js';
import { eventually } from '../support/eventually.js';
import { NOISE_MS } from '../support/noise.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { startApp } from './support/app.js';
import { Stage } from './support/stage.js';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

@Injectable()
class Jobs {
  lock: Lock | undefined;

  constructor(private readonly locks: LockService) {}

  @Locked('job')
  async run(): Promise<string> {
    this.lock = this.locks.current();
    await stage.pass();
    return this.again();
  }

  @Locked('job', { wait: 0 })
  async again(): Promise<string> {
    await this.locks.current()?.extend('1m');
    return 're-entered';
  }

  @Locked('daily', { minHold: '1m' })
  async daily(): Promise<void> {}
}

@Controller()
class Routes {
  @Get()
  @Locked('job')
  run(): string {
    return 'ran';
  }
}

async function start(shutdownTimeout: number) {
  const keyPrefix = uniquePrefix();
  const { app, url, locks } = await startApp({
    controllers: [Routes],
    providers: [Jobs],
    lock: { connection: sharedRedisUrl(), keyPrefix, shutdownTimeout },
  });
  const redis = openClient(sharedRedisUrl());
  const keysLeft = async () =>
    (await redis.keys(`${keyPrefix}*`)).map((key) => key.slice(keyPrefix.length));
  const waiters = async () => (await locks.inspect('job'))?.waiters;
  return { app, url, locks, jobs: app.get(Jobs), keysLeft, waiters };
}

describe('app.close()', () => {
  it('turns waiters away at once, new calls too', async () => {
    const { app, jobs, url, locks, waiters } = await start(10_000);
    const holder = jobs.run();
    await stage.arrived(1);
    const waiting = locks.acquire('job', { wait: Infinity });
    const answer = fetch(url, { headers: { connection: 'close' } });
    await eventually(async () => expect(await waiters()).toBe(2));
    const closedAt = performance.now();
    const closing = app.close();

    await expect(waiting).rejects.toThrow(LockShutdownError);
    expect(performance.now() - closedAt).toBeLessThan(NOISE_MS);
    expect((await answer).status).toBe(503);
    await expect(locks.acquire('other')).rejects.toThrow(LockShutdownError);
    await expect(jobs.daily()).rejects.toThrow(LockShutdownError);

    stage.open();
    await holder;
    await closing;
  });

  it('waits for running holders, who re-enter and extend as before', async () => {
    const { app, jobs, keysLeft } = await start(10_000);
    const holder = jobs.run();
    await stage.arrived(1);
    let closed = false;
    const closing = app.close().then(() => (closed = true));
    await eventually(async () => expect(await keysLeft()).toContain('job'));
    expect(closed).toBe(false);
    stage.open();

    expect(await holder).toBe('re-entered');
    await closing;
    expect(jobs.lock?.signal.aborted).toBe(false);
    expect(await keysLeft()).toEqual(['!fence']);
  });

  it('aborts and releases those who outstay shutdownTimeout', async () => {
    const { app, jobs, keysLeft } = await start(50);
    const holder = jobs.run();
    holder.catch(() => {});
    await stage.arrived(1);

    await app.close();

    expect(jobs.lock?.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    expect(await keysLeft()).toEqual(['!fence']);
    stage.open();
    await expect(holder).rejects.toMatchObject({ code: 'LOCK_LOST' });
  });

  it('leaves what minHold still locks', async () => {
    const { app, jobs, keysLeft } = await start(10_000);
    await jobs.daily();

    await app.close();

    expect(new Set(await keysLeft())).toEqual(new Set(['!fence', 'daily']));
  });

  it('may come after shutdown()', async () => {
    const { app, locks } = await start(10_000);

    await locks.shutdown();
    await locks.shutdown();
    await app.close();

    await expect(locks.acquire('job')).rejects.toThrow(LockShutdownError);
  });
});
