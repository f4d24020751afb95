import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';
import { NEVER, type Observable } from 'rxjs';

import { eventually } from '../support/eventually.js';
import { startApp } from './support/app.js';
import { openRequest } from './support/http.js';
import { Stage } from './support/stage.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

@Injectable()
class Results {
  @Locked('result')
  async observable(): Promise<Observable<never>> {
    return NEVER;
  }

  @Locked('result')
  async iterable(): Promise<AsyncIterable<number>> {
    return (async function* numbers() {
      yield 1;
    })();
  }

  @Locked('result')
  async stream(): Promise<Readable> {
    return new Readable({ read() {} });
  }

  @Locked('result')
  async *generator(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }
}

describe('a result that nobody can end any more', () => {
  const start = async () => {
    const { app, locks } = await startApp({ providers: [Results] });
    const isHeld = async () => (await locks.inspect('result')) !== null;
    return { results: app.get(Results), isHeld };
  };

  it.each(['observable', 'iterable', 'stream'] as const)(
    'gives its lock back when it is collected: %s',
    async (kind) => {
      const { results, isHeld } = await start();
      await results[kind]();
      expect(await isHeld()).toBe(true);

      await eventually(async () => {
        collectGarbage();
        expect(await isHeld()).toBe(false);
      });
    },
  );

  it('gives its lock back when it is collected: a generator that was left', async () => {
    const { results, isHeld } = await start();
    await results.generator().next();
    expect(await isHeld()).toBe(true);

    await eventually(async () => {
      collectGarbage();
      expect(await isHeld()).toBe(false);
    });
  });

  it('keeps it as long as somebody has the result', async () => {
    const { results, isHeld } = await start();
    const observable = await results.observable();

    for (let round = 0; round < 3; round += 1) {
      collectGarbage();
      expect(await isHeld()).toBe(true);
    }

    observable.subscribe().unsubscribe();
    await eventually(async () => expect(await isHeld()).toBe(false));
  });
});

describe('an Observable that Nest drops, since its client has left', () => {
  it.each(['route/7', 'argument/7'])('gives its lock back: %s', async (path) => {
    const stage = new Stage();
    @Controller()
    class Routes {
      @Get('route/:id')
      @Locked('result')
      async route(): Promise<Observable<never>> {
        await stage.pass();
        return NEVER;
      }

      @Get('argument/:id')
      @Locked('result:{0}')
      async argument(@Param('id') _id: string): Promise<Observable<never>> {
        await stage.pass();
        return NEVER;
      }
    }
    const { url, locks } = await startApp({ controllers: [Routes] });
    const client = openRequest(`${url}/${path}`);
    await stage.arrived(1);
    await client.leave();
    stage.open();

    await eventually(async () => {
      expect(await locks.inspect('result')).toBeNull();
      expect(await locks.inspect('result:7')).toBeNull();
    });
  });
});
