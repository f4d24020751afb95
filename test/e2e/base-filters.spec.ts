import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  Controller,
  Get,
  HttpException,
  Injectable,
  Param,
  Query,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ModuleMetadata,
  type Provider,
} from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter, HttpAdapterHost } from '@nestjs/core';
import {
  isLockError,
  Locked,
  LockError,
  LockService,
  LockTimeoutError,
  LockUnavailableError,
  toHttpException,
} from 'nestjs-redis-lock';

import { PLATFORMS, startApp, type AppOptions, type TestApp } from './support/app.js';

let caught: unknown[] = [];

/** The filter of error trackers and of Nest's documentation: it keeps everything and hands it on. */
@Catch()
class Report extends BaseExceptionFilter {
  override catch(thrown: unknown, host: ArgumentsHost): void {
    caught.push(thrown);
    // oxlint-disable-next-line promise/valid-params -- a filter, no promise
    super.catch(thrown, host);
  }
}

@Injectable()
class Stock {
  constructor(private readonly locks: LockService) {}

  take(sku: string): Promise<string> {
    return this.locks.withLock(`stock:${sku}`, () => sku, { wait: 0 });
  }

  @Locked('shelf:{0}', { wait: 0 })
  async shelve(sku: string): Promise<string> {
    return sku;
  }
}

@Injectable()
class StockGuard implements CanActivate {
  constructor(private readonly stock: Stock) {}

  async canActivate(): Promise<boolean> {
    return (await this.stock.take('a')) === 'a';
  }
}

@Controller()
class Orders {
  constructor(private readonly stock: Stock) {}

  @Get('context/:id')
  @Locked('order:{params.id}', { wait: 0 })
  context(): string {
    return 'ran';
  }

  @Get('positional/:id')
  @Locked('order:{0}', { wait: 0 })
  positional(@Param('id') id: string): string {
    return id;
  }

  @Get('service')
  service(): Promise<string> {
    return this.stock.take('a');
  }

  @Get('provider')
  provider(): Promise<string> {
    return this.stock.shelve('a');
  }

  @Get('guarded')
  @UseGuards(StockGuard)
  guarded(): string {
    return 'ran';
  }

  @Get('query')
  @Locked('query:{query.id}', { wait: 0 })
  query(@Query('id') id: string): string {
    return id;
  }

  @Get('user')
  @Locked('user:{user.id}', { wait: 0 })
  user(): string {
    return 'ran';
  }
}

/** Where a filter can stand. */
const PLACES: Record<string, (filter: typeof Report) => Partial<AppOptions>> = {
  APP_FILTER: (useClass) => options(Orders, { provide: APP_FILTER, useClass }),
  useGlobalFilters: (Filter) => ({
    ...options(Orders),
    before: (app) => app.useGlobalFilters(new Filter(app.get(HttpAdapterHost).httpAdapter)),
  }),
  'a controller': (Filter) => options(decorated(Filter)),
  'no place': () => options(Orders),
};

function options(controller: NonNullable<ModuleMetadata['controllers']>[0], ...more: Provider[]) {
  return { controllers: [controller], providers: [Stock, StockGuard, ...more] };
}

function decorated(filter: typeof Report): typeof Orders {
  @Controller()
  @UseFilters(filter)
  class Routes extends Orders {}
  Reflect.defineMetadata('design:paramtypes', [Stock], Routes);
  return Routes;
}

describe.each(
  PLATFORMS.flatMap((platform) => Object.keys(PLACES).map((at) => [at, platform] as const)),
)('with a filter for everything at %s, on %s', (place, platform) => {
  const start = async (lock: AppOptions['lock'] = {}): Promise<TestApp> => {
    caught = [];
    const where = PLACES[place]!(Report);
    return startApp({ ...where, lock, platform });
  };

  it.each([
    ['context/7', 'order:7', 'order:{params.id}'],
    ['positional/7', 'order:7', 'order:{0}'],
    ['service', 'stock:a', ''],
    ['provider', 'shelf:a', 'shelf:{0}'],
    ['guarded', 'stock:a', ''],
  ])(
    'a busy lock in /%s is 423 with the public body, and in no error log',
    async (path, key, template) => {
      const { url, locks, log } = await start();
      await using _lock = await locks.acquire(key, { ttl: 60_000 });

      const response = await fetch(`${url}/${path}`);

      expect(response.status).toBe(423);
      expect(response.headers.get('retry-after')).toBe('5');
      expect(await response.json()).toEqual({
        statusCode: 423,
        error: 'Locked',
        message: 'This resource is busy. Try again later.',
        code: 'LOCK_TIMEOUT',
        key: template,
      });
      expect(log.of('error', 'warn', 'fatal')).toEqual([]);
      for (const error of caught) {
        expect(error).toBeInstanceOf(LockError);
        expect(error).toBeInstanceOf(LockTimeoutError);
        expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', key, waitedMs: 0 });
      }
      expect(caught).toHaveLength(place === 'no place' ? 0 : 1);
    },
  );

  it('a missing part is 400, and in no error log', async () => {
    const { url, log } = await start();

    const missing = await fetch(`${url}/query`);
    const twice = await fetch(`${url}/query?id=1&id=2`);

    expect(missing.status).toBe(400);
    expect(await missing.json()).toMatchObject({ message: 'This request lacks query.id.' });
    expect(twice.status).toBe(400);
    expect(await twice.json()).toMatchObject({ message: expect.stringContaining('an array') });
    expect(log.of('error', 'warn', 'fatal')).toEqual([]);
  });

  it('a part that the application owes is 500, and in the error log once', async () => {
    const { url, log } = await start();

    const response = await fetch(`${url}/user`);

    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      statusCode: 500,
      error: 'Internal Server Error',
      message: 'This request could not be handled.',
      code: 'LOCK_KEY',
      key: 'user:{user.id}',
    });
    expect(log.of('error')).toEqual([expect.stringContaining('user.id is missing')]);
  });

  it('leaves the status of its module alone', async () => {
    const { url, locks } = await start({ http: { status: 409 } });
    await using _order = await locks.acquire('order:7');
    await using _stock = await locks.acquire('stock:a');

    expect((await fetch(`${url}/context/7`)).status).toBe(409);
    expect((await fetch(`${url}/service`)).status).toBe(409);
  });

  it('leaves lock errors alone with http: false', async () => {
    const { url, locks } = await start({ http: false });
    await using _order = await locks.acquire('order:7');
    await using _stock = await locks.acquire('stock:a');

    for (const path of ['context/7', 'positional/7', 'service', 'provider']) {
      await using _shelf = await locks.acquire('shelf:a');
      const response = await fetch(`${url}/${path}`);

      expect(response.status).toBe(500);
      expect(await response.json()).toEqual({
        statusCode: 500,
        message: 'Internal server error',
      });
    }
  });
});

describe('what leaves a locked route', () => {
  it('is an HttpException whose cause is the lock error, and instanceof knows it for one', async () => {
    caught = [];
    const { url, locks } = await startApp({
      ...options(Orders, { provide: APP_FILTER, useClass: Report }),
    });
    await using _lock = await locks.acquire('order:secret');
    await fetch(`${url}/context/secret`);
    const [error] = caught;

    expect(error).toBeInstanceOf(HttpException);
    expect(error).toBeInstanceOf(LockTimeoutError);
    expect(error).not.toBeInstanceOf(LockUnavailableError);
    expect(isLockError(error, 'LOCK_TIMEOUT')).toBe(true);
    expect((error as Error).name).toBe('LockTimeoutError');
    expect((error as Error).message).toBe('This resource is busy. Try again later.');
    expect((error as Error).cause).not.toBeInstanceOf(HttpException);
    expect((error as Error).cause).toMatchObject({
      code: 'LOCK_TIMEOUT',
      message: expect.stringContaining('"order:secret"'),
    });
  });
});

describe('toHttpException', () => {
  it('gives a filter of the application the status and the public body', async () => {
    @Catch(LockError)
    class Mine extends BaseExceptionFilter {
      override catch(error: LockError, host: ArgumentsHost): void {
        const mapped = toHttpException(error);
        const { message, code } = mapped.getResponse() as { message: string; code: string };
        const response = host.switchToHttp().getResponse();
        response.status(mapped.getStatus()).send({ mine: message, code });
      }
    }
    const { url, locks } = await startApp({
      ...options(Orders, { provide: APP_FILTER, useClass: Mine }),
    });
    await using _order = await locks.acquire('order:7');
    await using _stock = await locks.acquire('stock:a');

    for (const path of ['context/7', 'service']) {
      const response = await fetch(`${url}/${path}`);
      expect(response.status).toBe(423);
      expect(await response.json()).toEqual({
        mine: 'This resource is busy. Try again later.',
        code: 'LOCK_TIMEOUT',
      });
    }
  });

  it('keeps the lock error from serializers, as any cause', () => {
    const error = new LockTimeoutError(['k'], 'k', 5);
    const mapped = toHttpException(error);

    expect(mapped.cause).toBe(error);
    expect(Object.keys(mapped)).not.toContain('cause');
  });

  it('leaves what it has mapped as it is', () => {
    const mapped = toHttpException(new LockTimeoutError(['k'], 'k', 5));

    expect(toHttpException(mapped)).toBe(mapped);
  });
});
