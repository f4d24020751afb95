// One application, routes that do the same: under @Locked, under locks by hand, without a lock.
import 'reflect-metadata';
import { once } from 'node:events';

import {
  Controller,
  Get,
  HttpException,
  Inject,
  Injectable,
  Module,
  Param,
  UseInterceptors,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { defer, lastValueFrom } from 'rxjs';

import { Locked, LockService, RedisLockModule } from '../../dist/esm/index.js';
import { rawLocks } from '../libraries/raw.mjs';

const LOCKED = 423;

process.once('disconnect', () => process.exit());
const [{ url }] = await once(process, 'message');
const acquireRaw = rawLocks(new Redis(url));

/** The least that an interceptor around a handler can do. */
class LockByHand {
  constructor(locks) {
    this.locks = locks;
  }

  intercept(context, next) {
    const { id } = context.switchToHttp().getRequest().params;
    return defer(() =>
      this.locks.withLock(`order:${id}`, () =>
        lastValueFrom(next.handle(), { defaultValue: undefined }),
      ),
    );
  }
}
Inject(LockService)(LockByHand, undefined, 0);
Injectable()(LockByHand);

class OrdersController {
  async locked(id) {
    return { id };
  }

  async positional(id) {
    return { id };
  }

  async interceptor(id) {
    return { id };
  }

  async byHand(id) {
    const release = await acquireRaw(`lock:order:${id}`).catch(busy);
    try {
      return { id };
    } finally {
      await release();
    }
  }

  async plain(id) {
    return { id };
  }
}
decorate('locked', Get('locked/:id'), Locked('order:{params.id}'));
decorate('positional', Get('positional/:id'), Locked('order:{0}'));
decorate('interceptor', Get('interceptor/:id'), UseInterceptors(LockByHand));
decorate('byHand', Get('raw/:id'));
decorate('plain', Get('plain/:id'));
Controller('orders')(OrdersController);

class App {}
Module({
  imports: [RedisLockModule.forRoot({ connection: url })],
  controllers: [OrdersController],
})(App);

const app = await NestFactory.create(App, { logger: false });
await app.listen(0, '127.0.0.1');
process.on('message', () => process.send(process.cpuUsage()));
process.send({ port: app.getHttpServer().address().port });

/** What `@Get() @Locked() method(@Param('id') id)` compiles to. */
function decorate(name, ...decorators) {
  const method = Object.getOwnPropertyDescriptor(OrdersController.prototype, name);
  Param('id')(OrdersController.prototype, name, 0);
  for (const decorator of decorators.toReversed())
    decorator(OrdersController.prototype, name, method);
  Object.defineProperty(OrdersController.prototype, name, method);
}

function busy(error) {
  throw new HttpException(error.message, LOCKED);
}
