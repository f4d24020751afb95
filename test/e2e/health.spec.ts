import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { LockService, RedisLockModule } from 'nestjs-redis-lock';
import { LockHealthIndicator } from 'nestjs-redis-lock/terminus';

import { closing } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { startApp } from './support/app.js';

@Controller('health')
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(LockHealthIndicator) private readonly locks: LockHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.locks.isHealthy('locks')]);
  }
}

async function start(lock: Parameters<typeof startApp>[0]['lock'], ...modules: object[]) {
  const { url, locks } = await startApp({
    lock: lock ?? false,
    imports: [TerminusModule.forRoot({ logger: false }), ...(modules as never[])],
    controllers: [HealthController],
    providers: [LockHealthIndicator],
  });
  const check = async () => {
    const answer = await fetch(`${url}/health`);
    const body = (await answer.json()) as { status: string; details: Record<string, any> };
    return { code: answer.status, status: body.status, locks: body.details['locks'] };
  };
  return { locks, check };
}

describe('LockHealthIndicator', () => {
  it('names a service as its module does, though a provider gives it out under a token of its own', async () => {
    @Module({
      providers: [
        { provide: 'MY_LOCKS', inject: [LockService], useFactory: (own: unknown) => own },
      ],
    })
    class Orders {}
    const { check } = await start(
      undefined,
      Orders,
      RedisLockModule.forRoot({ connection: 'memory' }),
    );

    expect(Object.keys((await check()).locks.services)).toEqual(['default']);
  });

  it('tells a service that is named default from the default one', async () => {
    const named = RedisLockModule.forRoot({ connection: 'memory', name: 'default' });
    const { check } = await start({ connection: 'memory' }, named);

    expect(new Set(Object.keys((await check()).locks.services)).size).toBe(2);
  });

  it('is down in an application without a lock service', async () => {
    const { check } = await start(undefined);
    const { code, locks: result } = await check();

    expect(code).toBe(503);
    expect(result).toMatchObject({
      state: 'down',
      reason: 'The application has no lock service: import RedisLockModule.',
      services: {},
    });
  });

  it('is up while Redis answers, and tells the longest wait', async () => {
    const server = closing(await RedisServer.start());
    const { locks, check } = await start({ connection: server.url });
    await using _held = await locks.acquire('k');
    const waiting = locks.acquire('k', { wait: '5s' });

    await eventually(async () => {
      const { code, locks: result } = await check();
      expect(code).toBe(200);
      expect(result).toMatchObject({
        status: 'up',
        state: 'up',
        services: { default: { state: 'up', reachable: true, waiters: 1 } },
      });
      expect(result.services.default.longestWaitMs).toBeGreaterThan(5);
    });
    await _held.release();
    await (await waiting).release();
  });

  it('is down while Redis is away, says why without the password, and is up again after', async () => {
    const server = closing(await RedisServer.start());
    const { check } = await start({
      connection: `redis://user:secret@127.0.0.1:${server.port}`,
      commandTimeout: 200,
    });
    const refused = await check();
    expect(refused.code).toBe(503);
    expect(JSON.stringify(refused)).not.toContain('secret');

    const other = await start({ connection: server.url, commandTimeout: 200 });
    expect((await other.check()).code).toBe(200);
    await server.kill();
    await eventually(async () => {
      const { code, locks: result } = await other.check();
      expect(code).toBe(503);
      expect(result.services.default).toMatchObject({ state: 'down', reachable: false });
      expect(result.services.default.reason).toMatch(/Redis|connection/);
    });
    await server.restart();
    await eventually(async () => expect((await other.check()).code).toBe(200));
  });

  it('is degraded, by name, while a minority of a quorum is away, and down without a majority', async () => {
    const servers = await Promise.all([1, 2, 3].map(() => RedisServer.start()));
    servers.forEach(closing);
    const { check } = await start({
      connection: servers.map(({ url }) => url),
      commandTimeout: 200,
    });
    await eventually(async () => expect((await check()).status).toBe('ok'));
    await servers[0]!.kill();
    await eventually(async () => {
      const { code, status, locks: result } = await check();
      expect([code, status, result.state]).toEqual([200, 'degraded', 'degraded']);
      expect(result.services.default.quorum).toEqual({
        nodes: 3,
        needed: 2,
        silent: [`127.0.0.1:${servers[0]!.port}`],
      });
    });
    await servers[1]!.kill();
    await eventually(async () => expect((await check()).code).toBe(503));
  });

  it('is down when one of several services is', async () => {
    const { check } = await start(
      { connection: 'memory' },
      RedisLockModule.forRoot({
        name: 'far',
        connection: 'redis://127.0.0.1:1',
        commandTimeout: 100,
      }),
    );
    const { code, locks: result } = await check();

    expect(code).toBe(503);
    expect(result.services).toMatchObject({ default: { state: 'up' }, far: { state: 'down' } });
  });
});
