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
  /** Each second, in both replicas; the lock stays for most of it, for a replica whose clock is late. */
  @Cron('* * * * * *')
  @Locked('invoices', { ifBusy: 'skip', minHold: '900ms' })
  async send(): Promise<void> {
    process.send?.({ at: Date.now() });
    await sleep(50);
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
  process.once('disconnect', () => void app.close());
}

async function watch(): Promise<void> {
  const runs: { readonly at: number }[] = [];
  const replicas = [1, 2].map(() => fork(process.argv[1]!, ['replica']));
  await new Promise<void>((resolve) => {
    for (const child of replicas)
      child.on('message', (run: (typeof runs)[0]) => runs.push(run) === RUNS && resolve());
  });
  for (const child of replicas) child.kill('SIGTERM');
  await Promise.all(replicas.map((child) => once(child, 'exit')));
  const seconds = new Set(runs.slice(0, RUNS).map(({ at }) => Math.floor(at / 1000)));
  console.log(`2 replicas: ${RUNS} runs in ${seconds.size} seconds`);
}

await (process.argv[2] === 'replica' ? replica() : watch());
