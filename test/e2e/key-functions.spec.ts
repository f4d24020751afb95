import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, Param, Post, Scope } from '@nestjs/common';
import {
  ContextIdFactory,
  ExternalContextCreator,
  REQUEST,
  RouterModule,
  type ContextId,
  type ContextIdStrategy,
  type HostComponentInfo,
} from '@nestjs/core';
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
  async numeric(_id: string): Promise<void> {}

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
    await expect(jobs.numeric('7')).rejects.toThrow(LockKeyError);
  });

  it('that takes the call for an argument makes no key that all calls share', async () => {
    await expect((await start()).mistaken('7')).rejects.toThrow(
      /"x:\[object Object\]" holds "\[object ".* A key function gets one argument, the call/,
    );
    await expect((await start()).mistaken('7')).rejects.toThrow(LockKeyError);
  });

  it.each([
    ['numeric', 'A lock key must be a string, got number.'],
    ['mistaken', 'Lock key "x:[object Object]" holds'],
  ] as const)('whose result is no key is named: %s', async (method, why) => {
    await expect((await start())[method]('7')).rejects.toThrow(
      `@Locked on Jobs.${method}: the key function gave no lock key. ${why}`,
    );
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

  it('may take the call apart', async () => {
    @Controller()
    class Apart {
      @Get('apart/:id')
      @Locked(
        ({ context, ...rest }) => `${context?.getType()}:${rest.params.id}:${rest.query.page}`,
      )
      pay(): string {
        return locks.current()?.key ?? '';
      }
    }
    const { url, locks } = await startApp({ platform, controllers: [Apart] });

    expect(await (await fetch(`${url}/apart/7?page=2`)).text()).toBe('http:7:2');
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

  it('reads the instance whose method runs, in a durable controller too', async () => {
    ContextIdFactory.apply(new ByTenant());
    @Injectable({ scope: Scope.REQUEST, durable: true })
    class Tenant {
      constructor(@Inject(REQUEST) readonly payload: { tenant: string }) {}
    }
    @Controller({ scope: Scope.REQUEST, durable: true })
    class Durable {
      constructor(
        private readonly tenant: Tenant,
        private readonly locks: LockService,
      ) {}

      @Get('durable')
      @Locked(({ target }) => `tenant:${(target as Durable).tenant.payload.tenant}`)
      run(): string | undefined {
        return this.locks.current()?.key;
      }
    }
    const { url } = await startApp({ controllers: [Durable], providers: [Tenant] });
    const ask = async (tenant: string) =>
      (await fetch(`${url}/durable`, { headers: { 'x-tenant': tenant } })).text();

    expect([await ask('a'), await ask('b'), await ask('a')]).toEqual([
      'tenant:a',
      'tenant:b',
      'tenant:a',
    ]);
  });

  it('reads the instance of a request-scoped message handler', async () => {
    @Controller({ scope: Scope.REQUEST })
    class Scoped {
      readonly name: string;

      constructor(
        @Inject(REQUEST) request: { data: { name: string } },
        private readonly locks: LockService,
      ) {
        this.name = request.data.name;
      }

      @MessagePattern('scoped')
      @Locked(({ target }) => `scoped:${(target as Scoped).name}`)
      run(): string | undefined {
        return this.locks.current()?.key;
      }
    }
    const app = await startApp({ controllers: [Scoped], rpc: true });
    const rpc = connectRpc(app);

    expect(await rpc('scoped', { name: 'a' })).toBe('scoped:a');
    expect(await rpc('scoped', { name: 'b' })).toBe('scoped:b');
  });

  it('reads the instance of its own module, where two modules have one controller', async () => {
    @Controller()
    class Shared {
      constructor(
        @Inject('NAME') readonly name: string,
        private readonly locks: LockService,
      ) {}

      @Get()
      @Locked(({ target }) => (target as Shared).name)
      run(): string | undefined {
        return this.locks.current()?.key;
      }
    }
    const moduleOf = (name: string) => {
      @Module({ providers: [{ provide: 'NAME', useValue: name }], controllers: [Shared] })
      class Feature {}
      return Feature;
    };
    const [One, Two] = [moduleOf('one'), moduleOf('two')];
    const { url } = await startApp({
      imports: [
        One,
        Two,
        RouterModule.register([
          { path: 'one', module: One },
          { path: 'two', module: Two },
        ]),
      ],
    });

    expect(await (await fetch(`${url}/one`)).text()).toBe('one');
    expect(await (await fetch(`${url}/two`)).text()).toBe('two');
  });

  it('never makes a key without the instance it asked for', async () => {
    @Controller()
    class Careful {
      readonly name = 'own';

      constructor(private readonly locks: LockService) {}

      @Get('careful')
      @Locked(({ target }) => {
        try {
          return (target as Careful).name;
        } catch {
          return 'unknown';
        }
      })
      run(): string | undefined {
        return this.locks.current()?.key;
      }
    }
    // The instance is not known to the interceptor, and known to the method.
    const { url, locks } = await startApp({ controllers: [Careful] });
    const other = await locks.acquire('unknown');

    expect(await (await fetch(`${url}/careful`)).text()).toBe('own');
    await other.release();
  });

  it('runs where a context of type http has neither request nor response', async () => {
    @Injectable()
    class Commands {
      constructor(private readonly locks: LockService) {}

      @Locked(({ args, params }) => `command:${String(args[0])}:${String(params)}`)
      run(_name: unknown): string | undefined {
        return this.locks.current()?.key;
      }
    }
    const { app } = await startApp({ providers: [Commands] });
    const commands = app.get(Commands);
    const creator = app.get(ExternalContextCreator, { strict: false });
    const run = creator.create(commands, Reflect.get(commands, 'run'), 'run');

    for (const rest of [[], [null, undefined], [{}, {}]]) {
      expect(await run('a', ...rest)).toBe('command:a:undefined');
    }
  });
});

/** Gives each tenant a tree of instances of its own. */
class ByTenant implements ContextIdStrategy {
  readonly #tenants = new Map<string, ContextId>();

  attach(contextId: ContextId, request: { headers?: Record<string, string> }) {
    const tenant = request.headers?.['x-tenant'];
    if (tenant === undefined) return () => contextId;
    const id = this.#tenants.get(tenant) ?? ContextIdFactory.create();
    this.#tenants.set(tenant, id);
    return {
      resolve: ({ isTreeDurable }: HostComponentInfo) => (isTreeDurable ? id : contextId),
      payload: { tenant },
    };
  }
}
