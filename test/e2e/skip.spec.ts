import { beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Locked,
  LockService,
  LockTimeoutError,
  type LockEventMap,
  type RedisLockModuleOptions,
} from 'nestjs-redis-lock';

import { eventually } from '../support/eventually.js';
import { NOISE_MS } from '../support/noise.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { freePort } from '../support/spawn-redis.mjs';
import { startApp } from './support/app.js';
import { Stage } from './support/stage.js';

/** Nothing can be noted on it. */
const OF_ANOTHER = Object.freeze(new LockTimeoutError(['other'], 'other', 0));

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

@Injectable()
class Jobs {
  constructor(private readonly locks: LockService) {}

  @Locked('nightly', { ifBusy: 'skip', minHold: '5s' })
  async nightly(): Promise<string> {
    stage.enter();
    return 'ran';
  }

  @Locked('job:{0}', { ifBusy: 'skip' })
  async run(id: string): Promise<string> {
    return stage.pass(id);
  }

  @Locked('job:{0}', { ifBusy: 'skip', wait: '5s' })
  async patient(id: string): Promise<string> {
    return stage.pass(id);
  }

  @Locked('job:{0}', { ifBusy: 'skip', wait: undefined as never, label: undefined as never })
  async unset(id: string): Promise<string> {
    return stage.pass(id);
  }

  @Locked(
    () => {
      throw OF_ANOTHER;
    },
    { ifBusy: 'skip' },
  )
  async keyed(): Promise<void> {
    stage.enter();
  }

  @Locked(['part:1', 'part:2'], { ifBusy: 'skip' })
  async parts(): Promise<string> {
    return 'ran';
  }

  @Locked('outer', { ifBusy: 'skip' })
  async outer(): Promise<void> {
    await this.locks.acquire('inner', { wait: 0 });
  }
}

async function startJobs(lock: Partial<RedisLockModuleOptions> = {}) {
  const { app, locks } = await startApp({ providers: [Jobs], lock });
  const skipped: LockEventMap['skipped'][] = [];
  locks.events.on('skipped', (event) => skipped.push(event));
  return { jobs: app.get(Jobs), locks, skipped };
}

describe("a job with ifBusy: 'skip' and minHold on two instances", () => {
  it('runs once', async () => {
    const shared = { connection: sharedRedisUrl(), keyPrefix: uniquePrefix() };
    const [one, two] = [await startJobs(shared), await startJobs(shared)];
    await two.locks.inspect('nightly');

    expect(await one.jobs.nightly()).toBe('ran');
    const startedAt = performance.now();
    expect(await two.jobs.nightly()).toBeUndefined();

    expect(performance.now() - startedAt).toBeLessThan(NOISE_MS);
    expect(stage.entries).toHaveLength(1);
    expect(two.skipped).toEqual([{ key: 'nightly', label: 'Jobs.nightly', template: 'nightly' }]);
  });
});

describe("ifBusy: 'skip'", () => {
  it('does not wait', async () => {
    const { jobs, locks, skipped } = await startJobs();
    await using _lock = await locks.acquire('job:7');

    expect(await jobs.run('7')).toBeUndefined();

    expect(skipped).toEqual([{ key: 'job:7', label: 'Jobs.run', template: 'job:{0}' }]);
  });

  it('tells which of several keys was busy', async () => {
    const { jobs, locks, skipped } = await startJobs();
    await using _lock = await locks.acquire('part:2');

    expect(await jobs.parts()).toBeUndefined();

    expect(skipped).toMatchObject([{ key: 'part:2', keys: ['part:1', 'part:2'] }]);
  });

  it('takes an option that is undefined for one that is left out', async () => {
    const { jobs, locks, skipped } = await startJobs({ wait: '5s' });
    await using _lock = await locks.acquire('job:7');
    const startedAt = performance.now();

    expect(await jobs.unset('7')).toBeUndefined();

    expect(performance.now() - startedAt).toBeLessThan(NOISE_MS);
    expect(skipped).toEqual([{ key: 'job:7', label: 'Jobs.unset', template: 'job:{0}' }]);
  });

  it('waits when wait is given', async () => {
    const { jobs, locks, skipped } = await startJobs();
    const lock = await locks.acquire('job:7');
    stage.open();
    const call = jobs.patient('7');
    await eventually(async () => expect((await locks.inspect('job:7'))?.waiters).toBe(1));
    await lock.release();

    expect(await call).toBe('7');
    expect(skipped).toEqual([]);
  });

  it('skips a full queue', async () => {
    const { jobs, locks, skipped } = await startJobs({ maxWaiters: 0 });
    await using _lock = await locks.acquire('job:7');

    expect(await jobs.patient('7')).toBeUndefined();
    expect(skipped).toHaveLength(1);
  });

  it('does not skip an outage', async () => {
    const { jobs, skipped } = await startJobs({
      connection: `redis://127.0.0.1:${await freePort()}`,
      commandTimeout: 50,
    });

    await expect(jobs.nightly()).rejects.toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(skipped).toEqual([]);
  });

  it('does not skip a lock error of the body', async () => {
    const { jobs, locks, skipped } = await startJobs();
    await using _lock = await locks.acquire('inner');

    await expect(jobs.outer()).rejects.toMatchObject({ code: 'LOCK_TIMEOUT', key: 'inner' });
    expect(skipped).toEqual([]);
  });

  it('does not skip a lock error of the key function', async () => {
    const { jobs, skipped } = await startJobs();

    await expect(jobs.keyed()).rejects.toBe(OF_ANOTHER);
    expect(skipped).toEqual([]);
  });
});
