import 'reflect-metadata';

import { setTimeout as sleep } from 'node:timers/promises';

import { Controller, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Locked, RedisLockModule } from 'nestjs-redis-lock';

const stock = new Map([['shoe', 5]]);

/** Reads, works and writes, as code with a database does. */
async function takeOne(item: string): Promise<boolean> {
  const left = stock.get(item) ?? 0;
  await sleep(20);
  if (left > 0) stock.set(item, left - 1);
  return left > 0;
}

@Controller('items')
class ItemsController {
  @Post(':item/careless')
  async careless(@Param('item') item: string): Promise<string> {
    return (await takeOne(item)) ? 'sold' : 'too late';
  }

  @Post(':item')
  @Locked('stock:{0}')
  async buy(@Param('item') item: string): Promise<string> {
    return (await takeOne(item)) ? 'sold' : 'too late';
  }
}

@Module({
  imports: [
    RedisLockModule.forRoot({ connection: process.env['REDIS_URL'] ?? 'redis://localhost:6379' }),
  ],
  controllers: [ItemsController],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error'] });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
for (const path of ['items/shoe/careless', 'items/shoe']) {
  stock.set('shoe', 5);
  const buyers = Array.from({ length: 20 }, async () => {
    const response = await fetch(`${url}/${path}`, { method: 'POST' });
    return response.text();
  });
  const sold = (await Promise.all(buyers)).filter((answer) => answer === 'sold').length;
  console.log(`POST ${path}: ${sold > 5 ? 'more than 5' : sold} of 5 sold to 20 buyers`);
}
await app.close();
