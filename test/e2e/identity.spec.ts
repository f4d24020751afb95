import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Param,
  Post,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { HeldLock, Locked, LockService, type Lock } from 'nestjs-redis-lock';
import { bufferCount, finalize, merge, mergeMap, Observable, Subject, take, takeUntil } from 'rxjs';

import { eventually } from '../support/eventually.js';
import { PLATFORMS, startApp } from './support/app.js';
import { connectRpc, connectSocket } from './support/clients.js';
import { Stage } from './support/stage.js';

/** Lets calls go on two at a time, both from the context of the one that came last. */
@Injectable()
class Pairs implements NestInterceptor {
  readonly #arrivals = new Subject<() => void>();

  constructor() {
    this.#arrivals.pipe(bufferCount(2)).subscribe((pair) => pair.forEach((go) => go()));
  }

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) => {
      this.#arrivals.next(() => void next.handle().subscribe(subscriber));
    });
  }
}

const ticks = new Subject<void>();

/** Goes on from a timer that was set outside of any request. */
@Injectable()
class NextTick implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return ticks.pipe(
      take(1),
      mergeMap(() => next.handle()),
    );
  }
}

/** One call at a time, the next one from the context of the one before. */
@Injectable()
class OneByOne implements NestInterceptor {
  #running = false;
  readonly #waiting: (() => void)[] = [];

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return new Observable((subscriber) => {
      const go = (): void => {
        this.#running = true;
        next
          .handle()
          .pipe(
            finalize(() => {
              this.#running = false;
              this.#waiting.shift()?.();
            }),
          )
          .subscribe(subscriber);
      };
      if (this.#running) this.#waiting.push(go);
      else go();
    });
  }
}

const MIXERS = [Pairs, NextTick, OneByOne];

/** Two requests of one `path` each, while the timer ticks. */
async function ask(url: string, ...paths: string[]): Promise<string[]> {
  const timer = setInterval(() => ticks.next(), 5);
  try {
    return await Promise.all(paths.map(async (path) => (await fetch(url + path)).text()));
  } finally {
    clearInterval(timer);
  }
}

describe.each(PLATFORMS)('identity of a call on %s', (platform) => {
  describe.each(MIXERS)('below %p', (Mixer) => {
    it('runs each body under the lock of its own request', async () => {
      @Controller()
      class Accounts {
        @UseInterceptors(Mixer)
        @Locked('mixed:{params.tenant}:{0}')
        @Get('mixed/:tenant/:account')
        mixed(@Param('account') _account: string, @HeldLock() lock?: Lock): string {
          return lock?.key ?? 'none';
        }

        @UseInterceptors(Mixer)
        @Locked('context:{params.account}')
        @Get('context/:account')
        context(@HeldLock() lock?: Lock): string {
          return lock?.key ?? 'none';
        }

        @UseInterceptors(Mixer)
        @Locked(({ params }) => `function:${params.account}`)
        @Get('function/:account')
        function(@HeldLock() lock?: Lock): string {
          return lock?.key ?? 'none';
        }
      }
      const { url } = await startApp({ platform, controllers: [Accounts] });

      expect(await ask(url, '/mixed/A/1', '/mixed/B/9')).toEqual(['mixed:A:1', 'mixed:B:9']);
      expect(await ask(url, '/context/1', '/context/9')).toEqual(['context:1', 'context:9']);
      expect(await ask(url, '/function/1', '/function/9')).toEqual(['function:1', 'function:9']);
    });

    it('holds a body in the context of its own lock, for nested calls', async () => {
      @Controller()
      class Accounts {
        constructor(private readonly locks: LockService) {}

        @UseInterceptors(Mixer)
        @Locked('own:{params.account}')
        @Get('nested/:account')
        async nested(@Param('account') account: string): Promise<unknown> {
          const other = account === '1' ? '9' : '1';
          const nested = await this.locks.tryAcquire(`own:${account}`);
          await nested?.release();
          const foreign = this.locks.current(`own:${other}`);
          return { own: this.locks.current()?.key, nested: nested?.key, foreign: foreign?.key };
        }
      }
      const { url } = await startApp({ platform, controllers: [Accounts] });

      const answers = await ask(url, '/nested/1', '/nested/9');

      expect(answers.map((text) => JSON.parse(text) as unknown)).toEqual([
        { own: 'own:1', nested: 'own:1' },
        { own: 'own:9', nested: 'own:9' },
      ]);
    });
  });
});

describe('identity of a call', () => {
  it('keeps a static key to one body at a time below a mixer of contexts', async () => {
    const stage = new Stage();
    @Controller()
    class Jobs {
      @UseInterceptors(NextTick)
      @Locked('tick')
      @Get('tick')
      async tick(): Promise<string> {
        stage.enter();
        await new Promise((resolve) => setImmediate(resolve));
        stage.inside -= 1;
        return 'ran';
      }
    }
    const { url } = await startApp({ controllers: [Jobs] });

    expect(await ask(url, '/tick', '/tick', '/tick')).toEqual(['ran', 'ran', 'ran']);
    expect(stage.most).toBe(1);
  });

  it('keeps a key to one body at a time when an interceptor asks for the next before the last has ended', async () => {
    const stage = new Stage();
    /** Turns to a second call of the method while the first goes on, as a time limit with a retry does. */
    class Impatient implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return merge(next.handle(), next.handle());
      }
    }
    @Controller()
    class Jobs {
      @UseInterceptors(Impatient)
      @Locked('impatient')
      @Get('impatient')
      async run(): Promise<string> {
        stage.enter();
        await new Promise((resolve) => setImmediate(resolve));
        stage.inside -= 1;
        return 'ran';
      }
    }
    const { url } = await startApp({ controllers: [Jobs] });

    expect(await (await fetch(`${url}/impatient`)).text()).toBe('ran');
    expect(stage.entries).toHaveLength(2);
    expect(stage.most).toBe(1);
  });

  it.each(['the lock is lost', 'the answer is given'])(
    'begins no body that waited for another one when %s by then',
    async (what) => {
      const stage = new Stage();
      const leave = new Subject<void>();
      class Impatient implements NestInterceptor {
        intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
          return merge(next.handle(), next.handle()).pipe(takeUntil(leave));
        }
      }
      @Controller()
      class Jobs {
        @UseInterceptors(Impatient)
        @Locked('impatient')
        @Get('impatient')
        run(): Promise<string> {
          return stage.pass();
        }
      }
      const { url, locks } = await startApp({ controllers: [Jobs] });
      const answer = fetch(`${url}/impatient`);
      await stage.arrived(1);

      const lost = new Promise((resolve) => locks.events.once('lost', resolve));
      if (what === 'the answer is given') leave.next();
      else await Promise.all([lost, locks.forceRelease('impatient')]);
      stage.open();

      expect((await answer).status).toBe(500);
      await (await locks.acquire('impatient')).release();
      expect(stage.entries).toHaveLength(1);
    },
  );

  it('keeps a key to one body at a time when one is reached after its chain has ended', async () => {
    const stage = new Stage();
    const arrivals: (() => void)[] = [];
    /** Lets the first call of the method begin, answers at once, and calls it again much later. */
    class StaleAnswers implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        const arrived = new Observable((subscriber) => {
          void stage.arrived(1).then(
            () => subscriber.next('stale'),
            (reason) => subscriber.error(reason),
          );
        });
        next.handle().subscribe();
        arrivals.push(() => void next.handle().subscribe());
        return arrived.pipe(take(1));
      }
    }
    @Controller()
    class Jobs {
      @UseInterceptors(StaleAnswers)
      @Locked('stale')
      @Get('stale')
      run(): Promise<string> {
        return stage.pass();
      }
    }
    const { url, locks } = await startApp({ controllers: [Jobs] });
    let waiting = 0;
    locks.events.on('waiting', () => (waiting += 1));

    expect(await (await fetch(`${url}/stale`)).text()).toBe('stale');
    for (const again of arrivals) again();
    await eventually(() => expect(waiting).toBe(1));
    stage.open();
    await stage.arrived(2);

    expect(stage.most).toBe(1);
  });

  it('runs messages below a mixer of contexts under their own locks', async () => {
    @Controller()
    class Messages {
      @UseInterceptors(Pairs)
      @Locked('rpc:{data.id}')
      @MessagePattern('rpc')
      rpc(_data: unknown, @HeldLock() lock?: Lock): string | undefined {
        return lock?.key;
      }
    }
    @WebSocketGateway()
    class Gateway {
      constructor(private readonly locks: LockService) {}

      @UseInterceptors(Pairs)
      @Locked('ws:{data.id}')
      @SubscribeMessage('ws')
      ws(): string | undefined {
        return this.locks.current()?.key;
      }
    }
    const app = await startApp({ controllers: [Messages], providers: [Gateway], rpc: true });
    const rpc = connectRpc(app);
    const [one, two] = [await connectSocket(app), await connectSocket(app)];

    expect(await Promise.all([rpc('rpc', { id: 1 }), rpc('rpc', { id: 2 })])).toEqual([
      'rpc:1',
      'rpc:2',
    ]);
    expect(await Promise.all([one.ask('ws', { id: 1 }), two.ask('ws', { id: 2 })])).toEqual([
      'ws:1',
      'ws:2',
    ]);
  });

  it('keeps what an interceptor above @Locked has in its own context', async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks');
    const store = new AsyncLocalStorage<string>();
    class Tracing implements NestInterceptor {
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        return store.run('traced', () => next.handle());
      }
    }
    @Controller()
    class Orders {
      @UseInterceptors(Tracing)
      @Locked('order:{params.id}')
      @Post(':id')
      pay(): string {
        return store.getStore() ?? 'lost';
      }
    }
    const { url } = await startApp({ controllers: [Orders] });

    expect(await (await fetch(`${url}/1`, { method: 'POST' })).text()).toBe('traced');
  });
});
