import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  Param,
  UseFilters,
  UseInterceptors,
  type CallHandler,
  type ExceptionFilter,
} from '@nestjs/common';
import { Args, GraphQLSchemaHost, Query, Resolver, Subscription } from '@nestjs/graphql';
import { MessagePattern, Payload, RpcException } from '@nestjs/microservices';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
} from '@nestjs/websockets';
import { parse, subscribe } from 'graphql';
import { HeldLock, Locked, LockService, LockTimeoutError, type Lock } from 'nestjs-redis-lock';
import { map, of, throwError, type Observable } from 'rxjs';

import { startApp } from './support/app.js';
import { askGraphql, connectRpc, connectSocket, graphqlModule } from './support/clients.js';

/** The public side of a busy lock, on every transport. */
function busy(key: string) {
  return { message: 'This resource is busy. Try again later.', code: 'LOCK_TIMEOUT', key };
}

function describeLock(lock: Lock | undefined): string {
  return `${lock?.key} ${(lock?.fencingToken ?? 0) > 0}`;
}

@Controller()
class RpcHandlers {
  constructor(private readonly locks: LockService) {}

  @MessagePattern('pay')
  @Locked('order:{data.id}', { wait: 0 })
  pay(@Payload() { id }: { id: string }, @HeldLock() lock?: Lock): string {
    return `${id} ${describeLock(lock)}`;
  }

  @MessagePattern('positional')
  @Locked('order:{0.id}', { wait: 0 })
  positional(@Payload() { id }: { id: string }, @HeldLock() lock?: Lock): string {
    return `${id} ${describeLock(lock)}`;
  }

  @MessagePattern('skip')
  @Locked('order:{data.id}', { ifBusy: 'skip' })
  skip(): string {
    return 'ran';
  }

  @MessagePattern('stream')
  @Locked('order:{data.id}')
  stream(): Observable<unknown> {
    return of(this.locks.current()?.key, 'last');
  }

  @MessagePattern('fails')
  @Locked('order:{data.id}')
  fails(): never {
    throw new RpcException({ mine: true });
  }
}

describe('over RPC', () => {
  const start = async () => {
    const app = await startApp({ controllers: [RpcHandlers], rpc: true });
    return { ...app, send: connectRpc(app) };
  };

  it('@HeldLock() gets the lock, the key comes from the payload or the argument', async () => {
    const { send } = await start();

    expect(await send('pay', { id: '7' })).toBe('7 order:7 true');
    expect(await send('positional', { id: '7' })).toBe('7 order:7 true');
  });

  it('a busy lock is an RpcException with the public message', async () => {
    const { send, locks, log } = await start();
    await using _lock = await locks.acquire('order:7');

    await expect(send('pay', { id: '7' })).rejects.toEqual({
      status: 'error',
      ...busy('order:{data.id}'),
    });
    await expect(send('positional', { id: '7' })).rejects.toEqual({
      status: 'error',
      ...busy('order:{0.id}'),
    });
    expect(log.of('error', 'warn')).toEqual([]);
  });

  it('its exception carries the lock error as cause', async () => {
    const caught: unknown[] = [];
    @Catch(RpcException)
    class Recorder implements ExceptionFilter<RpcException> {
      catch(exception: RpcException): Observable<never> {
        caught.push(exception.cause);
        return throwError(() => 'recorded');
      }
    }
    @Controller()
    class Handlers {
      @MessagePattern('pay')
      @UseFilters(Recorder)
      @Locked('order', { wait: 0 })
      pay(): void {}
    }
    const app = await startApp({ controllers: [Handlers], rpc: true });
    await using _lock = await app.locks.acquire('order');

    await expect(connectRpc(app)('pay')).rejects.toBe('recorded');
    expect(caught).toEqual([expect.any(LockTimeoutError)]);
  });

  it('a skipped call resolves with undefined', async () => {
    const { send, locks } = await start();
    expect(await send('skip', { id: '7' })).toBe('ran');
    await using _lock = await locks.acquire('order:7');

    expect(await send('skip', { id: '7' })).toBeUndefined();
  });

  it('an Observable runs inside', async () => {
    const { send } = await start();

    expect(await send('stream', { id: '7' })).toBe('last');
  });

  it('any other exception passes through', async () => {
    const { send } = await start();

    await expect(send('fails', { id: '7' })).rejects.toEqual({ mine: true });
  });

  it('a payload without the part is told so, and logged by nobody', async () => {
    const { send, log } = await start();

    await expect(send('pay', {})).rejects.toMatchObject({
      code: 'LOCK_KEY',
      message: 'This request lacks data.id.',
    });
    expect(log.of('error')).toEqual([]);
  });
});

@WebSocketGateway()
class Gateway {
  @SubscribeMessage('pay')
  @Locked('order:{data.id}', { wait: 0 })
  pay(
    @ConnectedSocket() _client: unknown,
    @MessageBody() { id }: { id: string },
    @HeldLock() lock?: Lock,
  ): string {
    return `${id} ${describeLock(lock)}`;
  }

  @SubscribeMessage('fails')
  @Locked('order:{data.id}')
  fails(): never {
    throw new WsException({ mine: true });
  }
}

describe('over WebSocket', () => {
  const start = async () => {
    const app = await startApp({ providers: [Gateway] });
    return { ...app, ...(await connectSocket(app)) };
  };

  it('@HeldLock() gets the lock', async () => {
    const { ask } = await start();

    expect(await ask('pay', { id: '7' })).toBe('7 order:7 true');
  });

  it('a busy lock is a WsException with the public message', async () => {
    const { ask, locks, log } = await start();
    await using _lock = await locks.acquire('order:7');

    await expect(ask('pay', { id: '7' })).rejects.toEqual({
      status: 'error',
      ...busy('order:{data.id}'),
    });
    expect(log.of('error', 'warn')).toEqual([]);
  });

  it('any other exception passes through', async () => {
    const { ask } = await start();

    await expect(ask('fails', { id: '7' })).rejects.toEqual({ mine: true });
  });
});

@Resolver()
class Orders {
  constructor(private readonly locks: LockService) {}

  @Query(() => String, { nullable: true })
  @Locked('order:{gql.id}', { wait: 0 })
  pay(@Args('id') id: string, @HeldLock() lock?: Lock): string {
    return `${id} ${describeLock(lock)}`;
  }

  @Query(() => String, { nullable: true })
  @Locked('order:{0}', { ifBusy: 'skip' })
  skip(@Args('id') id: string): string {
    return id;
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @Locked('feed:{gql.id}', { wait: 0 })
  feed(@Args('id') id: string): AsyncGenerator<string> {
    return this.#steps(id);
  }

  async *#steps(id: string): AsyncGenerator<string> {
    yield `${id} ${this.locks.current()?.key}`;
    yield 'last';
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @Locked('feed:{gql.id}', { wait: 0 })
  async *generator(@Args('id') id: string): AsyncGenerator<string> {
    yield* this.#steps(id);
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @UseInterceptors({
    intercept: (_: unknown, next: CallHandler) => next.handle().pipe(map((make) => make())),
  })
  @Locked('feed:{gql.id}', { wait: 0 })
  made(@Args('id') id: string): () => AsyncGenerator<string> {
    return () => this.#steps(id);
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @Locked('feed:{gql.id}', { wait: 0 })
  emitted(@Args('id') id: string): Observable<AsyncGenerator<string>> {
    return of(this.#steps(id));
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @Locked('feed:{0}', { wait: 0 })
  positional(@Args('id') id: string): Observable<AsyncGenerator<string>> {
    return of(this.#steps(id));
  }

  @Query(() => String)
  plain(): Promise<string> {
    return this.locks.withLock('order:7', () => 'ran', { wait: 0 });
  }
}

describe('over GraphQL', () => {
  const start = () => startApp({ imports: [graphqlModule()], providers: [Orders] });

  it('@HeldLock() gets the lock', async () => {
    const app = await start();

    expect((await askGraphql(app, '{ pay(id: "7") }')).data).toEqual({ pay: '7 order:7 true' });
  });

  it('a busy lock is an error with its code in the extensions', async () => {
    const app = await start();
    await using _lock = await app.locks.acquire('order:7');

    const { errors } = await askGraphql(app, '{ pay(id: "7") }');

    const { message, code, key } = busy('order:{gql.id}');
    expect(errors).toEqual([
      expect.objectContaining({ message, extensions: expect.objectContaining({ code, key }) }),
    ]);
    expect(JSON.stringify(errors)).not.toContain('order:7');
  });

  it('the same comes of a service in an undecorated resolver', async () => {
    const app = await start();
    await using _lock = await app.locks.acquire('order:7');

    const { errors } = await askGraphql(app, '{ plain }');

    expect(errors).toMatchObject([
      { message: busy('').message, extensions: { code: 'LOCK_TIMEOUT', key: '' } },
    ]);
  });

  it.each(['feed', 'generator', 'made', 'emitted', 'positional'])(
    'a subscription holds its lock until its iteration has ended: %s',
    async (field) => {
      const { app, locks } = await start();
      const { schema } = app.get(GraphQLSchemaHost);
      const document = parse(`subscription { ${field}(id: "7") }`);
      const feed = (await subscribe({ schema, document })) as AsyncIterableIterator<unknown>;
      const refused = await subscribe({ schema, document });

      expect(await feed.next()).toMatchObject({ value: { data: { [field]: '7 feed:7' } } });
      expect(await locks.inspect('feed:7')).not.toBeNull();
      expect(refused).toMatchObject({ errors: [{ extensions: { code: 'LOCK_TIMEOUT' } }] });
      await feed.return?.();
      expect(await locks.inspect('feed:7')).toBeNull();
    },
  );

  it('a skipped call is null', async () => {
    const app = await start();
    await using _lock = await app.locks.acquire('order:7');

    expect(await askGraphql(app, '{ skip(id: "7") }')).toEqual({ data: { skip: null } });
  });
});

describe('over GraphQL, with a schema of its own', () => {
  @Resolver()
  class Sales {
    constructor(private readonly locks: LockService) {}

    @Query('sale')
    @Locked('sale:{gql.id}')
    sale(@Args('id') id: string): object {
      return { receipt: { total: () => `of ${id}, under ${this.locks.current()?.key}` } };
    }
  }

  it('a function in a result resolves its field, after the release', async () => {
    const typeDefs = `
      type Receipt { total: String }
      type Sale { receipt: Receipt }
      type Query { sale(id: String): Sale }
    `;
    const imports = [graphqlModule({ autoSchemaFile: false, typeDefs })];
    const app = await startApp({ imports, providers: [Sales] });

    const { data } = await askGraphql(app, '{ sale(id: "7") { receipt { total } } }');

    expect(data).toEqual({ sale: { receipt: { total: 'of 7, under undefined' } } });
  });
});

describe('over HTTP', () => {
  it('@HeldLock() gets the lock, the key comes from the route or the argument', async () => {
    @Controller()
    class Routes {
      @Get('route/:id')
      @Locked('order:{params.id}')
      route(@Param('id') id: string, @HeldLock() lock?: Lock): string {
        return `${id} ${describeLock(lock)}`;
      }

      @Get('argument/:id')
      @Locked('order:{0}')
      argument(@Param('id') id: string, @HeldLock() lock?: Lock): string {
        return `${id} ${describeLock(lock)}`;
      }

      @Get('only/:id')
      @Locked('order:{params.id}')
      only(@HeldLock() lock?: Lock): string {
        return describeLock(lock);
      }
    }
    const { url } = await startApp({ controllers: [Routes] });
    const text = async (path: string) => (await fetch(`${url}/${path}`)).text();

    expect(await text('route/7')).toBe('7 order:7 true');
    expect(await text('argument/7')).toBe('7 order:7 true');
    expect(await text('only/7')).toBe('order:7 true');
  });
});
