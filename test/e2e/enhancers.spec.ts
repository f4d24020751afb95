import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { Locked, LockConfigError, LockService } from 'nestjs-redis-lock';

import { startApp } from './support/app.js';

/** A module whose one route has the given decorator, or the given middleware before it. */
function moduleWith(decorator: MethodDecorator, middleware?: new (...args: never[]) => object) {
  @Controller()
  class Orders {
    @Get()
    @decorator
    pay(): string {
      return 'paid';
    }
  }
  @Module({ controllers: [Orders] })
  class OrdersModule implements NestModule {
    configure(consumer: MiddlewareConsumer): void {
      if (middleware !== undefined) consumer.apply(middleware as never).forRoutes('/');
    }
  }
  return OrdersModule;
}

const nothing: MethodDecorator = () => {};

describe('a locked method of what Nest runs before a handler', () => {
  @Injectable()
  class Guard implements CanActivate {
    @Locked('{params.id}')
    async canActivate(): Promise<boolean> {
      return true;
    }
  }
  @Injectable()
  class Interceptor {
    @Locked('{params.id}')
    async intercept(_context: ExecutionContext, next: CallHandler): Promise<unknown> {
      return next.handle();
    }
  }
  @Injectable()
  class Pipe {
    @Locked('{params.id}')
    async transform(value: unknown): Promise<unknown> {
      return value;
    }
  }
  @Injectable()
  class Middleware {
    @Locked('{params.id}')
    async use(_request: unknown, _response: unknown, next: () => void): Promise<void> {
      next();
    }
  }

  it.each([
    ['guard', () => moduleWith(UseGuards(Guard))],
    ['interceptor', () => moduleWith(UseInterceptors(Interceptor as never))],
    ['pipe', () => moduleWith(UsePipes(Pipe))],
    ['middleware', () => moduleWith(nothing, Middleware)],
  ])('stops the start when no call of it has a part of its key: %s', async (_, made) => {
    const starting = startApp({ imports: [made()] });

    await expect(starting).rejects.toBeInstanceOf(LockConfigError);
    await expect(starting).rejects.toThrow(
      /names \{params\.id\}, which no call of it has: Nest routes no request or message to the method/,
    );
  });
});

describe('a busy lock of what Nest runs before a handler', () => {
  @Injectable()
  class Guard implements CanActivate {
    constructor(private readonly locks: LockService) {}

    @Locked('door', { wait: 0 })
    async canActivate(): Promise<boolean> {
      return this.locks.current()?.key === 'door';
    }
  }
  @Injectable()
  class Middleware {
    @Locked('door', { wait: 0 })
    async use(_request: unknown, _response: unknown, next: () => void): Promise<void> {
      next();
    }
  }

  it.each([
    ['guard', () => moduleWith(UseGuards(Guard))],
    ['middleware', () => moduleWith(nothing, Middleware)],
  ])('is 423: %s', async (_, made) => {
    const { url, locks } = await startApp({ imports: [made()] });
    expect((await fetch(url)).status).toBe(200);
    await using _lock = await locks.acquire('door');

    const response = await fetch(url);

    expect(response.status).toBe(423);
    expect(await response.json()).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'door' });
  });
});
