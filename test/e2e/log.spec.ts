import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';

import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { afterTest } from '../support/after-test.js';
import { freePort } from '../support/spawn-redis.mjs';
import { startApp, type TestApp } from './support/app.js';

@Controller()
class Orders {
  @Get('pay')
  @Locked('order', { wait: 50 })
  pay(): string {
    return 'paid';
  }
}

@Injectable()
class Transfers {
  @Locked('account:{0}')
  async book(account: string): Promise<void> {
    await this.note(account);
  }

  @Locked('ledger:{0}')
  async note(_account: string): Promise<void> {}

  @Locked('ledger:{0}')
  async audit(account: string): Promise<void> {
    await this.touch(account);
  }

  @Locked('account:{0}')
  async touch(_account: string): Promise<void> {}
}

function warnings({ log }: TestApp): string[] {
  return log.of('warn', 'error', 'fatal').filter((line) => line.includes('RedisLock'));
}

describe('the log', () => {
  it('tells at start why Redis can not be used, and of many calls no more than once', async () => {
    const node = `127.0.0.1:${await freePort()}`;
    const connection = `redis://app:pass%20word@${node}`;
    const app = await startApp({ controllers: [Orders], lock: { connection, commandTimeout: 50 } });
    await eventually(() => expect(warnings(app)).toHaveLength(1));
    const before = warnings(app);
    await Promise.all(Array.from({ length: 20 }, () => fetch(`${app.url}/pay`)));

    expect(before[0]).toMatch(/^Redis can't be used for locks: /);
    expect(before[0]).toContain(`ECONNREFUSED ${node}`);
    expect(before[0]).toContain(`Node: ${node}.`);
    expect(warnings(app).length).toBeLessThanOrEqual(2);
    expect(JSON.stringify(app.log.lines)).not.toMatch(/pass(%20| )word/);
  });

  it('tells why a password is refused', async () => {
    const server = await RedisServer.start({ args: ['--requirepass', 'right'] });
    afterTest(() => server.stop());
    const connection = `redis://:wrong@127.0.0.1:${server.port}`;
    const app = await startApp({
      controllers: [Orders],
      lock: { connection, commandTimeout: 200 },
    });

    await eventually(() => expect(warnings(app).join()).toContain('WRONGPASS'));
    expect(JSON.stringify(app.log.lines)).not.toMatch(/:wrong@|"wrong"|right/);
  });

  it('tells of the outage of the only server that there is no connection', async () => {
    const server = await RedisServer.start();
    afterTest(() => server.stop());
    const connection = `redis://127.0.0.1:${server.port}`;
    const app = await startApp({ controllers: [Orders], lock: { connection } });
    await app.locks.inspect('order');
    await server.stop();

    await eventually(() => expect(warnings(app)).not.toHaveLength(0));
    expect(warnings(app)[0]).toMatch(
      /^Redis can't be used for locks: there is no connection to Redis\. Cause: /,
    );
  });

  it('tells why a lock was lost', async () => {
    const server = await RedisServer.start();
    afterTest(() => server.stop());
    const connection = `redis://127.0.0.1:${server.port}`;
    const app = await startApp({ controllers: [Orders], lock: { connection, commandTimeout: 50 } });
    const lock = await app.locks.acquire('order', { ttl: 400, label: 'Orders.pay' });
    await server.stop();
    await eventually(() => expect(lock.signal.aborted).toBe(true));

    const line = app.log.of('error').find((each) => each.includes('was lost'));
    expect(line).toContain('"order"');
    expect(line).toContain('(Orders.pay)');
    expect(line).toMatch(/ Cause: .* Node: 127\.0\.0\.1:\d+\./);
  });

  it('has a busy lock at debug and routine at verbose', async () => {
    const app = await startApp({ controllers: [Orders], lock: { connection: 'memory' } });
    await fetch(`${app.url}/pay`);
    await using _lock = await app.locks.acquire('order');
    await fetch(`${app.url}/pay`);
    const levels = app.log.lines
      .filter(({ text }) => text.includes('RedisLock') && text.includes('Lock "order"'))
      .map(
        ({ level, text }) =>
          `${level} ${/acquired|released|renewed|busy; waiting|still busy/.exec(text)?.[0]}`,
      );

    expect(levels).toEqual([
      'verbose acquired',
      'verbose released',
      'verbose acquired',
      'verbose busy; waiting',
      'verbose renewed',
      'debug still busy',
    ]);
  });

  it('warns once of two methods that take their locks inside each other in both orders', async () => {
    const { app, log } = await startApp({ providers: [Transfers] });
    const transfers = app.get(Transfers);
    for (let i = 0; i < 3; i += 1) {
      await transfers.book('anna');
      await transfers.audit('bert');
    }

    const told = log.of('warn').filter((line) => line.includes('inside each other'));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(
      '"account:{0}" (Transfers.touch) inside "ledger:{0}" (Transfers.audit), and ' +
        '"ledger:{0}" (Transfers.note) inside "account:{0}" (Transfers.book)',
    );
    expect(told[0]).not.toMatch(/anna|bert/);
  });

  it('does not warn of them where the watch is off', async () => {
    const { app, log } = await startApp({
      providers: [Transfers],
      lock: { lockOrderWatch: false },
    });
    await app.get(Transfers).book('anna');
    await app.get(Transfers).audit('bert');

    expect(log.of('warn').filter((line) => line.includes('inside each other'))).toEqual([]);
  });
});
