import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Param,
  UseInterceptors,
  type CallHandler,
  type PipeTransform,
} from '@nestjs/common';
import { HeldLock, Locked, LockLostError, LockService, type Lock } from 'nestjs-redis-lock';
import { Observable, firstValueFrom, lastValueFrom, mergeMap, of, toArray } from 'rxjs';

import { eventually } from '../support/eventually.js';
import { startApp } from './support/app.js';
import { Stage } from './support/stage.js';

const FAILURE = new Error('the body failed');

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

@Injectable()
class Jobs {
  constructor(private readonly locks: LockService) {}

  @Locked('job')
  async run(): Promise<string> {
    await stage.pass();
    return 'done';
  }

  @Locked('job', { onLost: 'report' })
  async report(): Promise<string> {
    await stage.pass();
    return 'done';
  }

  @Locked('job')
  async fail(): Promise<never> {
    await stage.pass();
    throw FAILURE;
  }

  @Locked('job')
  sync(): string | undefined {
    return this.locks.current()?.key;
  }

  @Locked('job')
  throwing(): never {
    throw FAILURE;
  }

  @Locked('job')
  query(): PromiseLike<string> {
    return {
      // A lazy query: it runs when somebody waits for it.
      // oxlint-disable-next-line unicorn/no-thenable
      then: (resolve, reject) =>
        Promise.resolve(`ran under ${this.locks.current()?.key}`).then(resolve, reject),
    };
  }

  @Locked('job')
  numbers(): Observable<unknown> {
    return new Observable((subscriber) => {
      subscriber.next(this.locks.current()?.key);
      void stage.pass().then(() => {
        subscriber.next('last');
        subscriber.complete();
      });
    });
  }

  @Locked('job')
  failing(): Observable<never> {
    return new Observable((subscriber) => subscriber.error(FAILURE));
  }

  @Locked('job')
  token(before: string, @HeldLock() lock?: Lock, after = 'z'): string {
    return `${before} ${lock?.key} ${lock?.fencingToken === undefined} ${after}`;
  }
}

/** What a locked method returns, whatever its type says. */
function promised<T>(value: T | Promise<T>): Promise<T> {
  expect(value).toBeInstanceOf(Promise);
  return Promise.resolve(value);
}

async function startJobs() {
  const { app, locks } = await startApp({ providers: [Jobs] });
  const isHeld = async () => (await locks.inspect('job')) !== null;
  return { jobs: app.get(Jobs), locks, isHeld };
}

/** Calls a method, and takes its lock away while it runs. */
async function loseLock(call: 'run' | 'report' | 'fail') {
  const { jobs, locks } = await startJobs();
  const lost: string[] = [];
  locks.events.on('lost', ({ key, label, template }) => lost.push(`${key} ${label} ${template}`));
  const outcome = jobs[call]().catch((error: unknown) => error);
  await stage.arrived(1);
  await locks.forceRelease('job');
  await eventually(() => expect(lost).toHaveLength(1));
  stage.open();
  return { outcome: await outcome, lost };
}

describe('a method that returned on a lost lock', () => {
  it('rejects with LockLostError, which has the result', async () => {
    const { outcome, lost } = await loseLock('run');

    expect(outcome).toBeInstanceOf(LockLostError);
    expect(outcome).toMatchObject({ code: 'LOCK_LOST', result: 'done' });
    expect(lost).toEqual(['job Jobs.run job']);
  });

  it("returns its result with onLost: 'report'", async () => {
    const { outcome, lost } = await loseLock('report');

    expect(outcome).toBe('done');
    expect(lost).toEqual(['job Jobs.report job']);
  });

  it('rejects with its own error, unchanged', async () => {
    const { outcome } = await loseLock('fail');

    expect(outcome).toBe(FAILURE);
  });
});

describe('a method', () => {
  it('returns a promise, and never throws synchronously', async () => {
    const { jobs } = await startJobs();

    const value = jobs.sync() as unknown as Promise<string>;
    const failure = (jobs.throwing as () => unknown)() as Promise<never>;

    expect(value).toBeInstanceOf(Promise);
    expect(await value).toBe('job');
    await expect(failure).rejects.toBe(FAILURE);
  });

  it('has run and is released when its promise settles', async () => {
    const { jobs, isHeld } = await startJobs();
    const call = jobs.run();
    await stage.arrived(1);
    expect(await isHeld()).toBe(true);
    stage.open();

    expect(await call).toBe('done');
    expect(await isHeld()).toBe(false);
  });

  it('runs a lazy query under its lock', async () => {
    const { jobs } = await startJobs();

    expect(await jobs.query()).toBe('ran under job');
  });

  it('gets its lock in the parameter marked by @HeldLock(), whatever the caller passes', async () => {
    const { jobs } = await startJobs();

    expect(await promised(jobs.token('a'))).toBe('a job false z');
    expect(await promised(jobs.token('a', undefined, 'c'))).toBe('a job false c');
  });
});

describe('a method that returns an Observable', () => {
  it('holds its lock until the Observable has completed, and runs it inside', async () => {
    const { jobs, isHeld } = await startJobs();
    const numbers = await promised(jobs.numbers());
    const all = lastValueFrom(numbers.pipe(toArray()));
    await stage.arrived(1);
    expect(await isHeld()).toBe(true);
    stage.open();

    expect(await all).toEqual(['job', 'last']);
    expect(await isHeld()).toBe(false);
  });

  it('releases it when the last subscription ends', async () => {
    const { jobs, isHeld } = await startJobs();
    const numbers = await promised(jobs.numbers());
    const one = numbers.subscribe();
    const two = numbers.subscribe();

    one.unsubscribe();
    expect(await isHeld()).toBe(true);
    two.unsubscribe();

    await eventually(async () => expect(await isHeld()).toBe(false));
  });

  it('refuses a subscription after that', async () => {
    const { jobs } = await startJobs();
    stage.open();
    const numbers = await promised(jobs.numbers());
    await lastValueFrom(numbers);

    await expect(firstValueFrom(numbers)).rejects.toThrow(LockLostError);
  });

  it('passes its error on unchanged', async () => {
    const { jobs, isHeld } = await startJobs();
    const failing = await promised(jobs.failing());

    await expect(lastValueFrom(failing)).rejects.toBe(FAILURE);
    expect(await isHeld()).toBe(false);
  });

  it('tells its subscriber that the lock was lost', async () => {
    const { jobs, locks } = await startJobs();
    const all = lastValueFrom(await promised(jobs.numbers()));
    await stage.arrived(1);
    await locks.forceRelease('job');
    stage.open();

    await expect(all).rejects.toThrow(LockLostError);
    expect(await lastValueFrom(of('others go on'))).toBe('others go on');
  });
});

describe('a handler whose lock was lost before its body began', () => {
  let bodies = 0;

  /** Takes the lock away from the request that it is part of. */
  @Injectable()
  class Loser implements PipeTransform {
    constructor(private readonly locks: LockService) {}

    async transform(value: unknown): Promise<unknown> {
      const lock = this.locks.current();
      await this.locks.forceRelease('order:7');
      await eventually(() => expect(lock?.remainingMs).toBe(0));
      return value;
    }
  }

  @Controller()
  class Orders {
    @Get('promise/:id')
    @Locked('order:{params.id}')
    async promise(@Param('id', Loser) _id: string): Promise<void> {
      bodies += 1;
    }

    @Get('generator/:id')
    @Locked('order:{params.id}')
    async *generator(@Param('id', Loser) _id: string): AsyncGenerator<string> {
      bodies += 1;
      yield 'ran';
    }
  }

  it.each(['promise', 'generator'])(
    'answers with LOCK_LOST, and does not run: %s',
    async (path) => {
      bodies = 0;
      const { url } = await startApp({ controllers: [Orders], providers: [Loser] });

      const response = await fetch(`${url}/${path}/7`);

      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({ code: 'LOCK_LOST', key: 'order:{params.id}' });
      expect(bodies).toBe(0);
    },
  );
});

describe('a handler that returns a function, which an interceptor runs', () => {
  let runs: (string | undefined)[] = [];
  /** As `@TsRestHandler()` does. */
  const runResult = {
    intercept: (_: unknown, next: CallHandler) =>
      next.handle().pipe(
        mergeMap(async (result: unknown) => {
          let work = result;
          while (typeof work !== 'function') [work] = Object.values(work as object);
          return (work as () => unknown)();
        }),
      ),
  };

  @Controller()
  class Orders {
    constructor(private readonly locks: LockService) {}

    readonly #work = (): string => {
      runs.push(this.locks.current()?.key);
      return 'ran';
    };

    @Locked('order:{params.id}')
    @UseInterceptors(runResult)
    @Get('outside/:id')
    outside(): () => string {
      return this.#work;
    }

    @Locked('order:{params.id}')
    @UseInterceptors(runResult)
    @Get('several/:id')
    several(): object {
      return { pay: this.#work };
    }

    @Locked('order:{params.id}')
    @UseInterceptors(runResult)
    @Get('list/:id')
    list(): object {
      return [this.#work];
    }

    @Locked('order:{params.id}')
    @UseInterceptors(runResult)
    @Get('nested/:id')
    async nested(): Promise<object> {
      return { orders: { pay: this.#work } };
    }

    @UseInterceptors(runResult)
    @Locked('order:{0}')
    @Get('positional/:id')
    positional(@Param('id') _id: string): () => string {
      return this.#work;
    }

    @UseInterceptors(runResult)
    @Locked('order:{0}')
    @Get('emitted/:id')
    emitted(@Param('id') _id: string): Observable<() => string> {
      return of(this.#work);
    }

    @Locked('order:{params.id}')
    @Get('written/:id')
    written(): object {
      return { toJSON: () => 'written' };
    }

    @Locked('order:{params.id}')
    @Get('mixed/:id')
    mixed(): object {
      return { name: 'mixed', format: this.#work };
    }

    @UseInterceptors(runResult)
    @Locked('order:{params.id}')
    @Get('inside/:id')
    inside(): () => string {
      return this.#work;
    }
  }

  it('is refused where it would run after the release, and runs under the lock elsewhere', async () => {
    runs = [];
    const { url, log } = await startApp({ controllers: [Orders] });

    for (const path of ['outside', 'several', 'list', 'nested', 'positional', 'emitted']) {
      expect((await fetch(`${url}/${path}/7`)).status).toBe(500);
      expect(log.of('error').at(-1)).toMatch(`Orders.${path}: the handler returned a function`);
    }
    expect(runs).toEqual([]);

    expect(await (await fetch(`${url}/inside/7`)).text()).toBe('ran');
    expect(runs).toEqual(['order:7']);
  });

  it('is answered where the function comes with data, or says how it is written', async () => {
    const { url } = await startApp({ controllers: [Orders] });

    expect(await (await fetch(`${url}/mixed/7`)).json()).toEqual({ name: 'mixed' });
    expect(await (await fetch(`${url}/written/7`)).json()).toBe('written');
  });
});
