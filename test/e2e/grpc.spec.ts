import type { Duplex, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { credentials, loadPackageDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { describe, expect, it } from '@jest/globals';
import { Controller, type INestApplication } from '@nestjs/common';
import { GrpcMethod, GrpcStreamCall, GrpcStreamMethod, Transport } from '@nestjs/microservices';
import { LockLostError, Locked, LockService } from 'nestjs-redis-lock';
import { from, last, mergeMap, of, type Observable } from 'rxjs';

import { afterTest } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/spawn-redis.mjs';
import { startApp, type AppOptions } from './support/app.js';

const PROTO = fileURLToPath(new URL('support/orders.proto', import.meta.url));

interface Order {
  readonly id: string;
}

@Controller()
class Orders {
  constructor(private readonly locks: LockService) {}

  @GrpcMethod('Orders', 'Context')
  @Locked('order:{data.id}', { wait: 0 })
  context(order: Order): Order {
    return order;
  }

  @GrpcMethod('Orders', 'Positional')
  @Locked('order:{0.id}', { wait: 0 })
  positional(order: Order): Order {
    return order;
  }

  @GrpcMethod('Orders', 'Service')
  service(order: Order): Promise<Order> {
    return this.locks.withLock(`order:${order.id}`, () => order, { wait: 0 });
  }

  @GrpcMethod('Orders', 'Fault')
  @Locked(() => '!mine')
  fault(order: Order): Order {
    return order;
  }

  @GrpcMethod('Orders', 'Lost')
  @Locked('lost')
  lost(): never {
    throw new LockLostError(['inner'], 5, 'for the test.');
  }

  @GrpcMethod('Orders', 'Watch')
  @Locked('order:{data.id}', { wait: 0 })
  watch(order: Order): Observable<Order> {
    return of(order, order);
  }

  @GrpcStreamMethod('Orders', 'Upload')
  upload(orders: Observable<Order>): Observable<Order> {
    return orders.pipe(mergeMap((order) => from(this.service(order))));
  }
}

async function start(options: Partial<AppOptions> = {}) {
  const url = `127.0.0.1:${await freePort()}`;
  const connect = async (app: INestApplication): Promise<void> => {
    app.connectMicroservice({
      transport: Transport.GRPC,
      options: { url, package: 'orders', protoPath: PROTO },
    });
    await app.startAllMicroservices();
  };
  const app = await startApp({ controllers: [Orders], before: connect, ...options });
  const { orders } = loadPackageDefinition(loadSync(PROTO)) as never as {
    orders: { Orders: new (url: string, how: object) => Record<string, Function> };
  };
  const client = new orders.Orders(url, credentials.createInsecure());
  afterTest(() => client['close']!());
  const call = (method: string, id = '7'): Promise<Order> =>
    new Promise((resolve, reject) => {
      client[method]!({ id }, (error: Error | null, answer: Order) =>
        error === null ? resolve(answer) : reject(error),
      );
    });
  return { ...app, call, client };
}

const BUSY = { code: status.ABORTED, details: 'This resource is busy. Try again later.' };

describe('over gRPC', () => {
  it('a busy lock is ABORTED, with the public message', async () => {
    const { call, locks, log } = await start();
    expect(await call('Context')).toEqual({ id: '7' });
    await using _lock = await locks.acquire('order:7');

    await expect(call('Context')).rejects.toMatchObject(BUSY);
    await expect(call('Positional')).rejects.toMatchObject(BUSY);
    await expect(call('Service')).rejects.toMatchObject(BUSY);
    expect(log.of('error', 'warn')).toEqual([]);
  });

  it('a busy lock of a streaming handler is the same', async () => {
    const { client, locks } = await start();
    await using _lock = await locks.acquire('order:7');
    const watched = new Promise((resolve) => {
      const stream = client['watch']!({ id: '7' });
      stream
        .on('error', resolve)
        .on('data', () => {})
        .on('end', resolve);
    });
    const uploaded = new Promise((resolve) => {
      const stream = client['upload']!((error: unknown) => resolve(error));
      stream.write({ id: '7' });
      stream.end();
    });

    expect(await watched).toMatchObject(BUSY);
    expect(await uploaded).toMatchObject(BUSY);
  });

  it('a full queue is RESOURCE_EXHAUSTED', async () => {
    const { call, locks } = await start({ lock: { maxWaiters: 0 } });
    await using _lock = await locks.acquire('lost');

    await expect(call('Lost')).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  it('an outage and a closing application are UNAVAILABLE', async () => {
    const connection = `redis://127.0.0.1:${await freePort()}`;
    const outage = await start({ lock: { connection, wait: 50, commandTimeout: 50 } });
    const closing = await start();
    await closing.locks.shutdown();

    await expect(outage.call('Lost')).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await expect(closing.call('Lost')).rejects.toMatchObject({ code: status.UNAVAILABLE });
  });

  it('a part that the message lacks is INVALID_ARGUMENT, and logged by nobody', async () => {
    const { call, log } = await start();

    await expect(call('Context', '')).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'This request lacks data.id.',
    });
    await expect(call('Positional', '')).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(log.of('error')).toEqual([]);
  });

  it('anything else is INTERNAL, and logged when it is a fault', async () => {
    const { call, log } = await start();

    await expect(call('Fault')).rejects.toMatchObject({ code: status.INTERNAL });
    await expect(call('Lost')).rejects.toMatchObject({ code: status.INTERNAL });
    expect(log.of('error')).toEqual([expect.stringContaining('"!mine" must not begin with "!"')]);
  });
});

/** The client's side of a call: what it was sent, and how the call ended. */
interface Answered {
  readonly messages: readonly Order[];
  readonly error?: object | undefined;
}

describe('over gRPC a skipped call', () => {
  @Controller()
  class Skips {
    @GrpcMethod('Orders', 'Context')
    @Locked('order', { ifBusy: 'skip' })
    context(order: Order): Order {
      return order;
    }

    @GrpcMethod('Orders', 'Positional')
    @Locked('{0.id}', { ifBusy: 'skip' })
    positional(order: Order): Order {
      return order;
    }

    @GrpcMethod('Orders', 'Watch')
    @Locked('order', { ifBusy: 'skip' })
    watch(order: Order): Observable<Order> {
      return of(order);
    }

    @GrpcMethod('Orders', 'PositionalWatch')
    @Locked('{0.id}', { ifBusy: 'skip' })
    positionalWatch(order: Order): Observable<Order> {
      return of(order);
    }

    @Locked('order', { ifBusy: 'skip' })
    @GrpcStreamMethod('Orders', 'Upload')
    upload(orders: Observable<Order>): Observable<Order> {
      return orders.pipe(last());
    }

    @GrpcStreamCall('Orders', 'PassedOn')
    @Locked('order', { ifBusy: 'skip' })
    passedOn(call: Readable, answer: (error: null, order: Order) => void): void {
      call.once('data', (order: Order) => answer(null, order));
    }

    @GrpcStreamCall('Orders', 'Exchanged')
    @Locked('order', { ifBusy: 'skip' })
    exchanged(call: Duplex): void {
      call.once('data', (order: Order) => {
        call.write(order);
        call.end();
      });
    }
  }

  const STREAMING = ['Watch', 'PositionalWatch', 'Exchanged'];
  const SENDS_STREAM = new Set(['Upload', 'PassedOn', 'Exchanged']);

  it.each(['Context', 'Positional', 'Upload', 'PassedOn', ...STREAMING])(
    'ends with nothing in its answer: %s',
    async (method) => {
      const { client, locks, log } = await start({ controllers: [Skips] });
      const ask = (): Promise<Answered> =>
        new Promise((resolve) => {
          const order = SENDS_STREAM.has(method) ? [] : [{ id: 'order' }];
          const answer = (error: object | null, message: Order): void =>
            resolve({ messages: [message], ...(error && { error }) });
          const call = client[method]!(...order, ...(STREAMING.includes(method) ? [] : [answer]));
          const messages: Order[] = [];
          if (STREAMING.includes(method)) {
            call.on('data', (message: Order) => messages.push(message));
            call.on('error', (error: object) => resolve({ messages, error }));
            call.on('end', () => resolve({ messages }));
          }
          if (SENDS_STREAM.has(method)) call.end({ id: 'order' });
        });
      expect(await ask()).toEqual({ messages: [{ id: 'order' }] });
      await using _lock = await locks.acquire('order');

      expect(await ask()).toEqual({ messages: STREAMING.includes(method) ? [] : [{}] });
      expect(log.of('error')).toEqual([]);
    },
  );
});

describe('over gRPC a client that waits for a lock', () => {
  let ran: string[] = [];
  @Controller()
  class Slow {
    @GrpcMethod('Orders', 'Context')
    @Locked('order')
    context(order: Order): Order {
      ran.push('Context');
      return order;
    }

    @GrpcMethod('Orders', 'Positional')
    @Locked('{0.id}')
    positional(order: Order): Order {
      ran.push('Positional');
      return order;
    }

    @GrpcMethod('Orders', 'Watch')
    @Locked('order')
    watch(order: Order): Observable<Order> {
      ran.push('Watch');
      return of(order);
    }
  }

  const LEAVING = ['cancels', 'waits no longer'];
  it.each(
    ['Context', 'Positional', 'Watch'].flatMap((method) => LEAVING.map((how) => [method, how])),
  )('leaves the queue, and its handler does not run: %s, when it %s', async (method, how) => {
    ran = [];
    const { client, locks, log } = await start({ controllers: [Slow] });
    const lock = await locks.acquire('order');
    const waiters = async () => (await locks.inspect('order'))?.waiters;
    const deadline = how === 'cancels' ? {} : { deadline: Date.now() + 500 };
    const answer = method === 'Watch' ? [] : [() => {}];
    const call = client[method]!({ id: 'order' }, deadline, ...answer);
    call.on('error', () => {});
    if (method === 'Watch') call.resume();
    await eventually(async () => expect(await waiters()).toBe(1));

    if (how === 'cancels') call.cancel();

    await eventually(async () => expect(await waiters()).toBe(0));
    await lock.release();
    expect(await locks.inspect('order')).toBeNull();
    expect(ran).toEqual([]);
    expect(log.of('error', 'warn')).toEqual([]);
  });
});
