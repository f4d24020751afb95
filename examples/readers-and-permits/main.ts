import 'reflect-metadata';

import { setTimeout as sleep } from 'node:timers/promises';

import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Locked, RedisLockModule } from 'nestjs-redis-lock';

let inside = 0;
let most = 0;

/** Some work, and how much of it goes on at once. */
async function work(): Promise<void> {
  inside += 1;
  most = Math.max(most, inside);
  await sleep(200);
  inside -= 1;
}

@Injectable()
class Jobs {
  @Locked('exports', { permits: 5 })
  async export(): Promise<void> {
    return work();
  }

  @Locked('search-index', { mode: 'shared' })
  async search(): Promise<void> {
    await work();
  }

  @Locked('search-index')
  async rebuild(): Promise<void> {
    await work();
  }
}

@Module({
  imports: [
    RedisLockModule.forRoot({ connection: process.env['REDIS_URL'] ?? 'redis://localhost:6379' }),
  ],
  providers: [Jobs],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
app.enableShutdownHooks();
const jobs = app.get(Jobs);

async function show(name: string, times: number, call: () => Promise<void>): Promise<void> {
  most = 0;
  await Promise.all(Array.from({ length: times }, call));
  console.log(`${times} ${name}: ${most} at once`);
}

await show('exports', 20, () => jobs.export());
await show('readers', 8, () => jobs.search());
await show('rebuilds', 3, () => jobs.rebuild());
await app.close();
