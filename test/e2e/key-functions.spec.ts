import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Param, Post, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { Args, Query, Resolver } from '@nestjs/graphql';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { LockKeyError, LockService, Locked, type LockedCall } from 'nestjs-redis-lock';

import { PLATFORMS, startApp } from './support/app.js';
import { askGraphql, connectRpc, graphqlModule } from './support/clients.js';

const FAILURE = new TypeError('the key function failed');
let seen: LockedCall[] = [];

function keyOf(call: LockedCall): string {
  seen.push(call);
  return 'key';
}

@Injectable()
class Jobs {
  readonly prefix = 'jobs';

  constructor(readonly locks: LockService) {}

  @Locked(({ args, target, method }) => `${(target as Jobs).prefix}:${method}:${String(args[0])}`)
  async run(_id: string): Promise<string | undefined> {
    return this.locks.current()?.key;
  }

  @Locked((() => Promise.reject(FAILURE)) as never)
  async promised(): Promise<void> {}

  @Locked(() => {
    throw FAILURE;
  })
  async failing(): Promise<void> {}

  // oxlint-disable-next-line typescript/no-base-to-string -- the mistake itself
  @Locked((id) => `x:${String(id)}`)
  async mistaken(_id: string): Promise<void> {}

  @Locked((() => 7) as never)
  async numeric(): Promise<void> {}

  @Locked(() => ['a', 'a'])
  async twice(): Promise<readonly string[] | undefined> {
    return this.locks.current()?.keys;
  }
}

describe('a key function', () => {
  const start = async () => {
    const { app } = await startApp({ providers: [Jobs] });
    return app.get(Jobs);
  };

  it('gets the arguments, the instance and the name of the method', async () => {
    expect(await (await start()).run('7')).toBe('jobs:run:7');
  });

  it('may give a list, in which duplicates count once', async () => {
    expect(await (await start()).twice()).toEqual(['a']);
  });

  it('must be synchronous and give a string', async () => {
    const jobs = await start();

    await expect(jobs.promised()).rejects.toThrow(/Jobs\.promised: the key function must be/);
    await expect(jobs.promised()).rejects.toThrow(LockKeyError);
    await expect(jobs.numeric()).rejects.toThrow(LockKeyError);
  });

  it('that takes the call for an argument makes no key that all calls share', async () => {
    await expect((await start()).mistaken('7')).rejects.toThrow(
      /"x:\[object Object\]" holds "\[object ".* A key function gets one argument, the call/,
    );
    await expect((await start()).mistaken('7')).rejects.toThrow(LockKeyError);
  });

  it('may throw: its error passes through', async () => {
    await expect((await start()).failing()).rejects.toBe(FAILURE);
  });
});

describe.each(PLATFORMS)('a key function of an HTTP handler on %s', (platform) => {
  @Controller()
  class Routes {
    readonly name = 'static';

    @Post('orders/:id')
    @Locked(keyOf)
    pay(@Param('id') id: string): string {
      return id;
    }
  }
  @Controller({ scope: Scope.REQUEST })
  class ScopedRoutes {
    constructor(@Inject(REQUEST) readonly request: { url: string }) {}

    @Get('scoped')
    @Locked(keyOf)
    pay(): string {
      return 'paid';
    }
  }

  it('gets what the client sent, and the controller', async () => {
    seen = [];
    const { app, url } = await startApp({ platform, controllers: [Routes] });

    await fetch(`${url}/orders/7?page=2`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tenant': 'acme' },
      body: '{"amount":5}',
    });

    expect(seen).toHaveLength(1);
    const [call] = seen;
    expect({ ...call?.params }).toEqual({ id: '7' });
    expect({ ...call?.query }).toEqual({ page: '2' });
    expect(call?.body).toEqual({ amount: 5 });
    expect(call?.headers['x-tenant']).toBe('acme');
    expect(call?.ip).toBe('127.0.0.1');
    expect(call?.method).toBe('pay');
    expect(call?.target).toBe(app.get(Routes));
    expect(call?.context?.getArgs()).toBe(call?.args);
  });

  it('gets the controller of the request', async () => {
    seen = [];
    const { url } = await startApp({ platform, controllers: [ScopedRoutes] });

    await fetch(`${url}/scoped?n=1`);
    await fetch(`${url}/scoped?n=2`);

    const urls = seen.map(({ target }) => (target as ScopedRoutes).request.url);
    expect(urls).toEqual(['/scoped?n=1', '/scoped?n=2']);
  });
});

describe('a key function of a handler', () => {
  it('gets the payload of a message, and the arguments of GraphQL', async () => {
    seen = [];
    @Controller()
    class Handlers {
      @MessagePattern('pay')
      @Locked(keyOf)
      pay(@Payload() _payload: unknown): string {
        return 'paid';
      }
    }
    @Resolver()
    class Orders {
      @Query(() => String)
      @Locked(keyOf)
      pay(@Args('id') id: string): string {
        return id;
      }
    }
    const app = await startApp({
      imports: [graphqlModule()],
      controllers: [Handlers],
      providers: [Orders],
      rpc: true,
    });

    await connectRpc(app)('pay', { id: 7 });
    await askGraphql(app, '{ pay(id: "8") }');

    expect(seen.map(({ data, gql }) => data ?? { ...gql })).toEqual([{ id: 7 }, { id: '8' }]);
    expect(seen.map(({ target }) => target)).toEqual([app.app.get(Handlers), app.app.get(Orders)]);
    expect('params' in seen[0]!).toBe(false);
  });
});
