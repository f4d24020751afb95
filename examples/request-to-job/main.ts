import 'reflect-metadata';

import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { BullModule, InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { Controller, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Job, Queue } from 'bullmq';
import { HeldLock, type Lock, Locked, LockService, RedisLockModule } from 'nestjs-redis-lock';

const url = process.env['REDIS_URL'] ?? 'redis://localhost:6379';
const isWorker = process.argv[2] === 'worker';

@Controller('exports')
class ExportsController {
  constructor(@InjectQueue('exports') private readonly queue: Queue) {}

  @Post(':id')
  @Locked('export:{params.id}', { wait: 0, ttl: '2m' })
  async start(@Param('id') id: string, @HeldLock() lock: Lock): Promise<void> {
    await this.queue.add('export', { id, ticket: await lock.detach() });
  }
}

@Processor('exports')
class ExportJob extends WorkerHost {
  constructor(private readonly locks: LockService) {
    super();
  }

  async process({ data }: Job<{ id: string; ticket: string }>): Promise<void> {
    await using lock = await this.locks.attach(data.ticket);
    console.log(`The worker has ${lock.key}, which the request took`);
  }
}

@Module({
  imports: [
    BullModule.forRoot({ connection: url.startsWith('/') ? { path: url } : { url } }),
    BullModule.registerQueue({ name: 'exports' }),
    RedisLockModule.forRoot({ connection: url }),
  ],
  controllers: [ExportsController],
  providers: isWorker ? [ExportJob] : [],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
process.once('disconnect', () => void app.close());
if (!isWorker) {
  const post = async () => fetch(`${await app.getUrl()}/exports/7`, { method: 'POST' });
  console.log(`POST /exports/7: ${(await post()).status}, and again: ${(await post()).status}`);
  const worker = fork(process.argv[1]!, ['worker']);
  const isHeld = async () => (await app.get(LockService).inspect('export:7')) !== null;
  while (worker.exitCode === null && (await isHeld())) await sleep(50);
  console.log('The job has ended: the lock is free');
  worker.once('exit', () => void app.close());
  worker.kill('SIGTERM');
}
