import { beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';

import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { PLATFORMS, startApp } from './support/app.js';
import { openRequest } from './support/http.js';
import { Stage } from './support/stage.js';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

@Controller()
class Orders {
  @Get('pay/:id')
  @Locked('order:{params.id}')
  pay(): Promise<string> {
    return stage.pass('paid');
  }

  @Get('try/:id')
  @Locked('order:{params.id}', { wait: 0 })
  try(): string {
    return 'paid';
  }
}

describe.each(PLATFORMS)('a locked handler on %s, with Redis', (platform) => {
  async function start() {
    const keyPrefix = uniquePrefix();
    const options = {
      platform,
      controllers: [Orders],
      lock: { connection: sharedRedisUrl(), keyPrefix },
    };
    const redis = openClient(sharedRedisUrl());
    const key = `${keyPrefix}order:7`;
    return { ...(await startApp(options)), redis, key, startAnother: () => startApp(options) };
  }

  it('excludes the handler of another application', async () => {
    const { url, startAnother } = await start();
    const other = await startAnother();
    const first = fetch(`${url}/pay/7`);
    await stage.arrived(1);

    expect((await fetch(`${other.url}/try/7`)).status).toBe(423);
    const second = fetch(`${other.url}/pay/7`);
    await eventually(async () => expect((await other.locks.inspect('order:7'))?.waiters).toBe(1));
    stage.open();

    expect(await (await first).text()).toBe('paid');
    expect(await (await second).text()).toBe('paid');
    expect(stage.most).toBe(1);
  });

  it('excludes, and is excluded by, whoever uses SET NX', async () => {
    const { url, redis, key } = await start();
    await redis.set(key, 'foreign', 'PX', 60_000);
    const refused = await fetch(`${url}/try/7`);
    expect(refused.status).toBe(423);
    expect(refused.headers.get('retry-after')).toBe('5');
    expect(await redis.get(key)).toBe('foreign');
    await redis.del(key);

    const held = fetch(`${url}/pay/7`);
    await stage.arrived(1);

    expect(await redis.set(key, 'foreign', 'NX')).toBeNull();
    stage.open();
    expect((await held).status).toBe(200);
    expect(await redis.exists(key)).toBe(0);
  });

  it('leaves the lock of others alone when its client gives up', async () => {
    const { url, redis, key, locks } = await start();
    const holder = fetch(`${url}/pay/7`);
    await stage.arrived(1);
    const token = await redis.get(key);
    const waiter = openRequest(`${url}/pay/7`);
    await eventually(async () => expect((await locks.inspect('order:7'))?.waiters).toBe(1));

    await waiter.leave();
    await eventually(async () => expect((await locks.inspect('order:7'))?.waiters).toBe(0));

    expect(await redis.get(key)).toBe(token);
    expect((await fetch(`${url}/try/7`)).status).toBe(423);
    stage.open();
    expect((await holder).status).toBe(200);
    expect(stage.entries).toHaveLength(1);
  });
});
