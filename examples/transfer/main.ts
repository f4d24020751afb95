import 'reflect-metadata';

import { setTimeout as sleep } from 'node:timers/promises';

import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LockService, RedisLockModule } from 'nestjs-redis-lock';

const balances = new Map([
  ['alice', 1000],
  ['bob', 1000],
]);

@Injectable()
class Bank {
  constructor(private readonly locks: LockService) {}

  /** Both accounts or neither; the order in which they are named does not matter. */
  transfer(from: string, to: string, amount: number): Promise<void> {
    return this.locks.withLock(
      [`account:${from}`, `account:${to}`],
      async (lock) => {
        const [debit, credit] = [balances.get(from)!, balances.get(to)!];
        await sleep(1);
        lock.assertHeld();
        balances.set(from, debit - amount);
        balances.set(to, credit + amount);
      },
      { wait: '30s' },
    );
  }
}

@Module({
  imports: [
    RedisLockModule.forRoot({ connection: process.env['REDIS_URL'] ?? 'redis://localhost:6379' }),
  ],
  providers: [Bank],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
app.enableShutdownHooks();
const bank = app.get(Bank);
await Promise.all(
  Array.from({ length: 100 }, (_, i) =>
    i % 2 === 0 ? bank.transfer('alice', 'bob', 10) : bank.transfer('bob', 'alice', 10),
  ),
);
const [alice, bob] = [balances.get('alice')!, balances.get('bob')!];
console.log(`100 transfers both ways: alice ${alice}, bob ${bob}, together ${alice + bob}`);
await app.close();
