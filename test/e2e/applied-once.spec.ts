import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Param,
  ParseIntPipe,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { Locked, LockService, type LockEventMap } from 'nestjs-redis-lock';
import { Observable, defer, map, retry, timeout } from 'rxjs';

import { eventually } from '../support/eventually.js';
import { startApp } from './support/app.js';
import { Stage } from './support/stage.js';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

function recordAcquired(locks: LockService): LockEventMap['acquired'][] {
  const acquired: LockEventMap['acquired'][] = [];
  locks.events.on('acquired', (event) => acquired.push(event));
  return acquired;
}

class PassOn implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((value: unknown) => value));
  }
}

describe('one call of a handler', () => {
  it('acquires once, with interceptors of class, method and application around it', async () => {
    @Controller()
    @UseInterceptors(PassOn)
    class Routes {
      @Get(':id')
      @UseInterceptors(PassOn)
      @Locked('order:{params.id}')
      @UseInterceptors(PassOn)
      pay(): string {
        return 'paid';
      }
    }
    const { url, locks } = await startApp({
      controllers: [Routes],
      before: (app) => app.useGlobalInterceptors(new PassOn()),
    });
    const acquired = recordAcquired(locks);

    expect(await (await fetch(`${url}/7`)).text()).toBe('paid');

    expect(acquired).toEqual([
      expect.objectContaining({
        key: 'order:7',
        template: 'order:{params.id}',
        label: 'Routes.pay',
        via: 'free',
      }),
    ]);
  });

  it('holds its lock in interceptors written above it, not in those below', async () => {
    const seen: Record<string, string | undefined> = {};
    const spy = (name: string): NestInterceptor => ({
      intercept: (_, next) =>
        defer(() => {
          seen[name] = locks.current()?.key;
          return next.handle();
        }),
    });
    @Controller()
    class Routes {
      @Get()
      @UseInterceptors(spy('above'))
      @Locked('order')
      @UseInterceptors(spy('below'))
      pay(): string {
        return 'paid';
      }
    }
    const { url, locks } = await startApp({ controllers: [Routes] });

    await fetch(url);

    expect(seen).toEqual({ above: 'order', below: undefined });
  });

  it('keeps its lock when an interceptor inside repeats the handler', async () => {
    let tries = 0;
    @Controller()
    class Routes {
      @Get(':id')
      @UseInterceptors({
        intercept: (_: unknown, next: CallHandler) => next.handle().pipe(retry(2)),
      })
      @Locked('order:{params.id}')
      async pay(): Promise<string> {
        tries += 1;
        if (tries < 3) throw new Error('again');
        return `paid under ${locks.current()?.key}`;
      }
    }
    const { url, locks } = await startApp({ controllers: [Routes] });
    const acquired = recordAcquired(locks);

    expect(await (await fetch(`${url}/7`)).text()).toBe('paid under order:7');
    expect(acquired).toHaveLength(1);
  });

  it('acquires anew when an interceptor outside repeats it', async () => {
    let tries = 0;
    @Controller()
    class Routes {
      @Get(':id')
      @Locked('order:{params.id}')
      @UseInterceptors({
        intercept: (_: unknown, next: CallHandler) => next.handle().pipe(retry(2)),
      })
      async pay(): Promise<string> {
        tries += 1;
        if (tries < 3) throw new Error('again');
        return 'paid';
      }
    }
    const { url, locks } = await startApp({ controllers: [Routes] });
    const acquired = recordAcquired(locks);

    expect(await (await fetch(`${url}/7`)).text()).toBe('paid');
    expect(acquired).toHaveLength(3);
  });

  it('does not lend its lock to another @Locked method that an interceptor inside calls', async () => {
    @Injectable()
    class Audit {
      @Locked('audit:{0}')
      async write(id: string): Promise<void> {
        await stage.pass(id);
      }
    }
    @Controller()
    class Routes {
      @Get(':id')
      @UseInterceptors({
        intercept: async (_: unknown, next: CallHandler) => {
          await app.get(Audit).write('7');
          return next.handle();
        },
      })
      @Locked('order:{params.id}')
      pay(): string {
        return 'paid';
      }
    }
    const { app, url, locks } = await startApp({ controllers: [Routes], providers: [Audit] });

    const response = fetch(`${url}/7`);
    await stage.arrived(1);

    expect(await locks.inspect('audit:7')).not.toBeNull();
    expect(await locks.inspect('order:7')).not.toBeNull();
    stage.open();
    expect(await (await response).text()).toBe('paid');
  });

  it('never runs unlocked when an interceptor inside runs it after the end', async () => {
    let late = (): Promise<unknown> => Promise.resolve();
    @Controller()
    class Routes {
      @Get()
      @UseInterceptors({
        intercept: (_: unknown, next: CallHandler) => {
          const handler = next.handle();
          late = () =>
            new Promise((resolve, reject) => handler.subscribe({ next: resolve, error: reject }));
          return new Observable((subscriber) => {
            subscriber.next('early');
            subscriber.complete();
          });
        },
      })
      @Locked('order', { wait: 0 })
      pay(): string {
        return `under ${locks.current()?.key}`;
      }
    }
    const { url, locks } = await startApp({ controllers: [Routes] });
    expect(await (await fetch(url)).text()).toBe('early');

    expect(await late()).toBe('under order');
    await using _lock = await locks.acquire('order');
    await expect(late()).rejects.toThrow(/this call did not wait for it/);
  });
});

describe('a handler with a positional key', () => {
  @Controller()
  class Routes {
    @Get(':id')
    @Locked('order:{0}')
    pay(@Param('id', ParseIntPipe) id: number): string {
      return `paid ${id}`;
    }
  }

  it.each(['7', '07', '007'])('makes the key of /%s after its pipe', async (id) => {
    const { url, locks } = await startApp({ controllers: [Routes] });
    const acquired = recordAcquired(locks);

    expect(await (await fetch(`${url}/${id}`)).text()).toBe('paid 7');

    expect(acquired.map(({ key }) => key)).toEqual(['order:7']);
  });

  it('does not touch a lock when a pipe refuses the request', async () => {
    const { url, locks } = await startApp({ controllers: [Routes] });
    const acquired = recordAcquired(locks);

    expect((await fetch(`${url}/seven`)).status).toBe(400);

    expect(acquired).toEqual([]);
  });
});

describe('nested calls', () => {
  @Injectable()
  class Orders {
    constructor(private readonly locks: LockService) {}

    @Locked('order:{0}')
    async pay(id: string): Promise<string> {
      return this.book(id);
    }

    @Locked('order:{0}', { wait: 0 })
    async book(id: string): Promise<string> {
      return stage.pass(`${id} ${this.locks.current()?.key}`);
    }

    @Locked('order:{0}')
    async bookTwice(id: string): Promise<string[]> {
      const again = this.locks.withLock(`order:${id}`, () => this.book(id));
      return Promise.all([this.locks.withLock(`order:${id}`, () => this.book(id)), again]);
    }
  }

  it('of the same key re-enter at once', async () => {
    const { app } = await startApp({ providers: [Orders] });
    stage.open();

    expect(await app.get(Orders).pay('7')).toBe('7 order:7');
  });

  it('of the same key take turns when they come at once', async () => {
    const { app } = await startApp({ providers: [Orders] });
    const calls = app.get(Orders).bookTwice('7');
    await stage.arrived(1);
    stage.open();

    await calls;

    expect(stage.most).toBe(1);
    expect(stage.entries).toHaveLength(2);
  });

  it('that were detached and start after the end wait like anybody', async () => {
    let detached: Promise<unknown> = Promise.resolve();
    @Injectable()
    class Detaching {
      constructor(private readonly locks: LockService) {}

      @Locked('order')
      async start(): Promise<void> {
        detached = stage.pass().then(() => this.locks.acquire('order', { wait: 0 }));
        detached.catch(() => {});
      }
    }
    const { app, locks } = await startApp({ providers: [Detaching] });
    await app.get(Detaching).start();
    await using _lock = await locks.acquire('order');
    stage.open();

    await expect(detached).rejects.toThrow(/this call did not wait for it/);
  });
});

describe('a promise body', () => {
  it('keeps its lock until it settles, though its caller gave up', async () => {
    @Controller()
    class Routes {
      @Get('inside')
      @UseInterceptors({
        intercept: (_: unknown, next: CallHandler) => next.handle().pipe(timeout(20)),
      })
      @Locked('order')
      async inside(): Promise<string> {
        return stage.pass();
      }

      @Get('outside')
      @Locked('order')
      @UseInterceptors({
        intercept: (_: unknown, next: CallHandler) => next.handle().pipe(timeout(20)),
      })
      async outside(): Promise<string> {
        return stage.pass();
      }
    }
    for (const path of ['inside', 'outside']) {
      stage = new Stage();
      const { url, locks } = await startApp({ controllers: [Routes] });

      expect((await fetch(`${url}/${path}`)).status).toBe(500);

      expect(stage.inside).toBe(1);
      expect(await locks.inspect('order')).not.toBeNull();
      stage.open();
      await eventually(async () => expect(await locks.inspect('order')).toBeNull());
    }
  });
});

describe('a pipe', () => {
  it('runs under the lock of a handler whose key comes from the request', async () => {
    const seen: (string | undefined)[] = [];
    const spy: PipeTransform = {
      transform(value: unknown) {
        seen.push(locks.current()?.key);
        return value;
      },
    };
    @Controller()
    class Routes {
      @Get(':id')
      @Locked('order:{params.id}')
      pay(@Param('id', spy) id: string): string {
        return id;
      }
    }
    const { url, locks } = await startApp({ controllers: [Routes] });

    await fetch(`${url}/7`);

    expect(seen).toEqual(['order:7']);
  });
});
