import 'reflect-metadata';

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule } from '@nestjs/schedule';
import { Locked, RedisLockModule } from 'nestjs-redis-lock';

const RUNS = 3;

@Injectable()
class Invoices {
  /** Each second, in both replicas; the lock stays for half a second, for a replica whose clock is late. */
  @Cron('* * * * * *')
  @Locked('invoices', { ifBusy: 'skip', minHold: '500ms' })
  async send(): Promise<void> {
    const from = process.hrtime.bigint();
    await sleep(50);
    process.send?.({ from, to: process.hrtime.bigint() });
  }
}

@Module({
  imports: [
    ScheduleModule.forRoot(),
    RedisLockModule.forRoot({ connection: process.env['REDIS_URL'] ?? 'redis://localhost:6379' }),
  ],
  providers: [Invoices],
})
class AppModule {}

async function replica(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  app.enableShutdownHooks();
}

async function watch(): Promise<void> {
  const runs: { readonly from: bigint; readonly to: bigint }[] = [];
  const replicas = [1, 2].map(() =>
    fork(process.argv[1]!, ['replica'], { serialization: 'advanced' }),
  );
  await new Promise<void>((resolve) => {
    for (const child of replicas)
      child.on('message', (run: (typeof runs)[0]) => runs.push(run) === RUNS && resolve());
  });
  for (const child of replicas) child.kill('SIGTERM');
  await Promise.all(replicas.map((child) => once(child, 'exit')));
  runs.sort((one, other) => Number(one.from - other.from));
  const beside = runs.filter(({ from }, i) => i > 0 && from < runs[i - 1]!.to).length;
  console.log(`2 replicas: ${RUNS} runs, ${beside} beside another`);
}

await (process.argv[2] === 'replica' ? replica() : watch());
