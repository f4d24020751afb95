import { describe, expect, it } from '@jest/globals';
import { Catch, UseFilters } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import {
  Args,
  Field,
  GraphQLSchemaHost,
  ID,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { parse, subscribe, type ExecutionResult } from 'graphql';
import { isLockError, Locked, LockService, LockTimeoutError } from 'nestjs-redis-lock';

import { eventually } from '../support/eventually.js';
import { startApp, type AppOptions, type TestApp } from './support/app.js';
import { askGraphql, graphqlModule } from './support/clients.js';
import { openRequest } from './support/http.js';

@ObjectType()
class Order {
  @Field(() => ID)
  id = '';
}

let ran: string[] = [];

@Resolver(() => Order)
class Orders {
  constructor(private readonly locks: LockService) {}

  @Query(() => Order)
  order(@Args('id') id: string): Order {
    return { id };
  }

  @Query(() => String)
  @Locked('slow:{gql.id}', { wait: '5s' })
  slow(@Args('id') id: string): string {
    ran.push(id);
    return id;
  }

  @ResolveField(() => String, { nullable: true })
  @Locked('note:{0.id}', { wait: 0 })
  async note(@Parent() order: Order): Promise<string> {
    return `note of ${order.id}`;
  }

  @Locked('late:{0.id}', { wait: 0 })
  @ResolveField(() => String, { nullable: true })
  async late(@Parent() order: Order): Promise<string> {
    return `late of ${order.id}`;
  }

  @ResolveField(() => String, { nullable: true })
  @Locked('outer:{0.id}')
  async nested(@Parent() order: Order): Promise<string> {
    return this.locks.withLock(`note:${order.id}`, () => 'nested', { wait: 0 });
  }

  @ResolveField(() => String, { nullable: true })
  @Locked('{1.owner}', { wait: 0 })
  async wrong(@Parent() _order: Order): Promise<string> {
    return 'unreachable';
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @Locked('feed:{0}', { wait: 0 })
  async *positional(@Args('id') id: string): AsyncGenerator<string> {
    yield `${id} ${this.locks.current()?.key}`;
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @Locked('feed:{0}', { ifBusy: 'skip' })
  async *skipped(@Args('id') id: string): AsyncGenerator<string> {
    yield id;
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @Locked('feed:{gql.id}', { ifBusy: 'skip' })
  async *skippedByContext(@Args('id') id: string): AsyncGenerator<string> {
    yield id;
  }
}

const BUSY = {
  message: 'This resource is busy. Try again later.',
  extensions: { code: 'LOCK_TIMEOUT' },
};

function start(options: Partial<AppOptions> = {}): Promise<TestApp> {
  ran = [];
  return startApp({ imports: [graphqlModule()], providers: [Orders], ...options });
}

async function subscribeTo(app: TestApp, query: string): Promise<AsyncIterableIterator<unknown>> {
  const { schema } = app.app.get(GraphQLSchemaHost);
  const document = parse(`subscription { ${query} }`);
  return (await subscribe({ schema, document })) as AsyncIterableIterator<ExecutionResult>;
}

describe('a busy field resolver', () => {
  it.each([
    ['note', 'note:secret', 'note:{0.id}'],
    ['late', 'late:secret', 'late:{0.id}'],
    ['nested', 'note:secret', ''],
  ])(
    'tells its client the code and the template, not the key: %s',
    async (field, key, template) => {
      const app = await start();
      const query = `{ order(id: "secret") { ${field} } }`;
      expect((await askGraphql(app, query)).errors).toBeUndefined();
      await using _lock = await app.locks.acquire(key);

      const { errors } = await askGraphql(app, query);

      expect(errors).toMatchObject([BUSY]);
      expect(errors?.[0]?.extensions['key']).toBe(template);
      expect(JSON.stringify(errors)).not.toContain(key);
    },
  );

  it('rejects with the lock error for other callers, too', async () => {
    const { app, locks } = await start();
    await using _lock = await locks.acquire('note:7');
    const failure = app.get(Orders).note({ id: '7' });

    await expect(failure).rejects.toBeInstanceOf(LockTimeoutError);
    await expect(failure).rejects.toMatchObject({ key: 'note:7' });
    expect(isLockError(await failure.catch((error: unknown) => error), 'LOCK_TIMEOUT')).toBe(true);
  });

  it('of which the key can not be made is logged, and tells its client nothing of it', async () => {
    const app = await start();

    const { errors } = await askGraphql(app, '{ order(id: "7") { wrong } }');

    expect(errors).toMatchObject([
      { message: 'This request could not be handled.', extensions: { code: 'LOCK_KEY' } },
    ]);
    expect(app.log.of('error')).toEqual([expect.stringContaining('1.owner is missing')]);
  });
});

describe('a field resolver with {gql.x}', () => {
  @Resolver(() => Order)
  class Fields {
    @Query(() => Order)
    order(@Args('id') id: string): Order {
      return { id };
    }

    @ResolveField(() => String, { nullable: true })
    @Locked('part:{gql.name}', { wait: 0 })
    part(@Args('name') name: string): string {
      return name;
    }
  }

  it('is refused at start, since no interceptor runs there', async () => {
    await expect(start({ providers: [Fields] })).rejects.toThrow(
      /names \{gql\.name\}, which no call of it has: the method is a GraphQL field resolver without 'interceptors' in fieldResolverEnhancers/,
    );
  });

  it('works where the application lets interceptors run there', async () => {
    const app = await start({
      imports: [graphqlModule({ fieldResolverEnhancers: ['interceptors'] })],
      providers: [Fields],
    });
    const query = '{ order(id: "7") { part(name: "a") } }';
    expect((await askGraphql(app, query)).data).toEqual({ order: { part: 'a' } });
    await using _lock = await app.locks.acquire('part:a');

    expect((await askGraphql(app, query)).errors).toMatchObject([BUSY]);
  });
});

describe('a field of what a subscription yields', () => {
  @Resolver(() => Order)
  class Feed {
    @Query(() => Order)
    order(@Args('id') id: string): Order {
      return { id };
    }

    @Subscription(() => Order, { resolve: (order: Order) => order })
    async *orders(): AsyncGenerator<Order> {
      yield { id: '7' };
    }

    @ResolveField(() => String, { nullable: true })
    @Locked('price:{gql.in}', { ifBusy: 'skip' })
    async price(@Args('in') currency: string): Promise<string> {
      return currency;
    }

    @ResolveField(() => String, { nullable: true })
    @Locked('price:{1}', { ifBusy: 'skip' })
    async positional(@Parent() _order: Order, @Args('in') currency: string): Promise<string> {
      return currency;
    }
  }

  it.each(['price', 'positional'])('is null when it is skipped: %s', async (field) => {
    const imports = [graphqlModule({ fieldResolverEnhancers: ['interceptors'] })];
    const app = await start({ imports, providers: [Feed] });
    const next = async (): Promise<unknown> =>
      (await subscribeTo(app, `orders { ${field}(in: "eur") }`)).next();
    expect(await next()).toMatchObject({ value: { data: { orders: { [field]: 'eur' } } } });
    await using _lock = await app.locks.acquire('price:eur');

    expect(await next()).toMatchObject({ value: { data: { orders: { [field]: null } } } });
  });
});

describe('a subscription with a key of its arguments', () => {
  it('holds its lock until its iteration has ended', async () => {
    const app = await start();
    const feed = await subscribeTo(app, 'positional(id: "7")');

    expect(await feed.next()).toMatchObject({ value: { data: { positional: '7 feed:7' } } });
    expect(await app.locks.inspect('feed:7')).not.toBeNull();
    expect(await feed.next()).toMatchObject({ done: true });
    await eventually(async () => expect(await app.locks.inspect('feed:7')).toBeNull());
  });

  it('tells a client that its lock is busy as any query does', async () => {
    const app = await start();
    await using _lock = await app.locks.acquire('feed:secret');

    const refused = await subscribeTo(app, 'positional(id: "secret")');

    expect(refused).toMatchObject({ errors: [BUSY] });
    expect(JSON.stringify(refused)).not.toContain('secret');
  });

  it.each(['skipped', 'skippedByContext'])('is empty when it is skipped: %s', async (field) => {
    const app = await start();
    const free = await subscribeTo(app, `${field}(id: "8")`);
    expect(await free.next()).toMatchObject({ value: { data: { [field]: '8' } } });
    await free.return?.();
    await using _lock = await app.locks.acquire('feed:7');
    const feed = await subscribeTo(app, `${field}(id: "7")`);

    expect(await feed.next()).toEqual({ done: true, value: undefined });
  });
});

describe('a busy lock that a filter for everything hands on to the filter of Nest', () => {
  @Catch()
  class HandsOn extends BaseExceptionFilter {}

  @Resolver()
  @UseFilters(HandsOn)
  class Handed {
    constructor(private readonly locks: LockService) {}

    @Query(() => String)
    @Locked('stock:secret', { wait: 0 })
    locked(): string {
      return 'ran';
    }

    @Query(() => String)
    service(): Promise<string> {
      return this.locks.withLock('stock:secret', () => 'ran', { wait: 0 });
    }

    @Query(() => String)
    fault(): Promise<string> {
      return this.locks.withLock('', () => 'ran');
    }
  }

  it('is in the log where the application is at fault', async () => {
    const app = await start({ providers: [Handed] });
    await askGraphql(app, '{ fault }');

    expect(app.log.of('error')).toEqual([expect.stringContaining('must not be empty')]);
  });

  it.each(['locked', 'service'])('is the documented error: %s', async (field) => {
    const app = await start({ providers: [Handed] });
    await using _lock = await app.locks.acquire('stock:secret');

    expect((await askGraphql(app, `{ ${field} }`)).errors).toMatchObject([BUSY]);
  });
});

describe('a client that leaves while its query waits', () => {
  it('leaves the queue, and the resolver does not run', async () => {
    const app = await start();
    const lock = await app.locks.acquire('slow:7');
    const body = JSON.stringify({ query: '{ slow(id: "7") }' });
    const request = openRequest(`${app.url}/graphql`, { method: 'POST', body });
    await eventually(async () => expect((await app.locks.inspect('slow:7'))?.waiters).toBe(1));
    await request.leave();
    await eventually(async () => expect((await app.locks.inspect('slow:7'))?.waiters).toBe(0));
    await lock.release();

    expect(ran).toEqual([]);
    expect(app.log.of('error')).toEqual([]);
  });
});
