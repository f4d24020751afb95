import { Body, Controller, Inject, Injectable, Param, Post } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { HeldLock, type Lock, Locked, LockService } from 'nestjs-redis-lock';
import { LockMetricsModule } from 'nestjs-redis-lock/prometheus';
import { Registry } from 'prom-client';
import { defer, type Observable, of } from 'rxjs';

import { Gate } from '../support/gate.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { startApp } from './support/app.js';

/** A queue of jobs that carry text, as BullMQ's do. */
@Injectable()
class Jobs {
  readonly waiting: string[] = [];
  readonly begun = new Gate();
  readonly finish = new Gate();

  constructor(@Inject(LockService) private readonly locks: LockService) {}

  add(data: object): void {
    this.waiting.push(JSON.stringify(data));
  }

  async run(): Promise<number> {
    const { ticket } = JSON.parse(this.waiting.shift()!) as { ticket: string };
    await using lock = await this.locks.attach(ticket, { label: 'ExportJob' });
    this.begun.open();
    await this.finish.passed;
    lock.assertHeld();
    return lock.fencingToken;
  }
}

@Controller('exports')
class Exports {
  constructor(
    @Inject(Jobs) private readonly jobs: Jobs,
    @Inject(LockService) private readonly locks: LockService,
  ) {}

  @Post(':id')
  @Locked('export:{params.id}', { wait: 0 })
  async start(@Param('id') _id: string, @HeldLock() lock?: Lock): Promise<object> {
    this.jobs.add({ ticket: await lock!.detach() });
    return { fence: lock!.fencingToken };
  }

  @Post(':id/later')
  @Locked('later:{0}', { wait: 0 })
  async startLater(@Param('id') _id: string, @HeldLock() lock?: Lock): Promise<Observable<string>> {
    const ticket = await lock!.detach();
    return defer(() => {
      this.jobs.add({ ticket });
      return of('sent', 'on its way');
    });
  }

  @Post(':id/listed')
  @Locked('listed:{params.id}', { wait: 0 })
  async *list(@Param('id') _id: string, @HeldLock() lock?: Lock): AsyncGenerator<string> {
    this.jobs.add({ ticket: await lock!.detach() });
    yield 'sent';
  }

  @Post(':id/told')
  @Locked('told:{0}', { wait: 0 })
  async *tell(@Param('id') _id: string, @HeldLock() lock?: Lock): AsyncGenerator<string> {
    this.jobs.add({ ticket: await lock!.detach() });
    yield 'sent';
  }

  @Post(':id/again')
  async again(@Body() { ticket }: { ticket: string }): Promise<void> {
    await using _lock = await this.locks.attach(ticket);
  }
}

function post(url: string, body: object = {}): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
}

describe.each([
  ['in memory', () => 'memory' as const],
  ['in Redis', sharedRedisUrl],
])('a lock that a handler takes and a job gives back, %s', (_name, connection) => {
  it('is busy for requests from the first to the end of the job', async () => {
    const registry = new Registry();
    const { app, url } = await startApp({
      lock: { connection: connection(), keyPrefix: uniquePrefix() },
      imports: [LockMetricsModule.forRoot({ registry })],
      providers: [Jobs],
      controllers: [Exports],
    });
    const jobs = app.get(Jobs);
    const scrape = async (name: string): Promise<number> => {
      const lines = (await registry.metrics()).split('\n');
      return lines
        .filter((line) => line.startsWith(`${name}{`))
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
    };

    const first = await post(`${url}/exports/7`);
    expect(first.status).toBe(201);
    const { fence } = (await first.json()) as { fence: number };
    expect(await scrape('redis_lock_held')).toBe(0);
    expect((await post(`${url}/exports/7`)).status).toBe(423);

    const [data] = jobs.waiting;
    const running = jobs.run();
    await jobs.begun.passed;
    expect(await scrape('redis_lock_held')).toBe(1);
    expect((await post(`${url}/exports/7`)).status).toBe(423);
    // One who uses the ticket again: the lock was lost to the job.
    expect((await post(`${url}/exports/7/again`, JSON.parse(data!))).status).toBe(500);
    jobs.finish.open();

    expect(await running).toBe(fence);
    expect((await post(`${url}/exports/7`)).status).toBe(201);
    expect(await scrape('redis_lock_held')).toBe(0);
  });

  it.each(['later', 'listed', 'told'])(
    'goes on while its handler is still answering: %s',
    async (how) => {
      const { app, url } = await startApp({
        lock: { connection: connection(), keyPrefix: uniquePrefix() },
        providers: [Jobs],
        controllers: [Exports],
      });

      const { status } = await post(`${url}/exports/7/${how}`);

      expect(status).toBe(201);
      expect((await post(`${url}/exports/7/${how}`)).status).toBe(423);
      const jobs = app.get(Jobs);
      jobs.finish.open();
      await jobs.run();
      expect((await post(`${url}/exports/7/${how}`)).status).toBe(201);
    },
  );

  it('is refused to a text that is no ticket', async () => {
    const { app } = await startApp({ lock: { connection: connection() } });

    await expect(app.get(LockService).attach('{"__proto__":{}}')).rejects.toMatchObject({
      name: 'LockConfigError',
      message: expect.stringContaining('This is no ticket of a detached lock'),
    });
  });
});
