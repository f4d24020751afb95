import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Param } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';
import { NEVER, type Observable } from 'rxjs';

import { closing } from '../support/after-test.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { startApp } from './support/app.js';
import { openRequest } from './support/http.js';
import { Stage } from './support/stage.js';

describe('a result that everybody has dropped', () => {
  it('gives its lock back when it is collected, and not before', async () => {
    const child = closing(Child.start('abandoned.mjs', { execArgv: ['--expose-gc'] }));

    for (const kind of [
      'observable',
      'iterable',
      'stream',
      'file',
      'generator',
      'routed',
      'emitted',
    ]) {
      expect(await child.next('outcome')).toEqual({
        type: 'outcome',
        kind,
        heldWhileKept: true,
        heldAfterEnd: false,
        heldWhenDropped: true,
        heldAfterCollection: false,
      });
    }
    expect(await child.exited).toMatchObject({ code: 0 });
  });
});

describe('an Observable that Nest drops, since its client has left', () => {
  it.each(['route/7', 'argument/7'])('gives its lock back: %s', async (path) => {
    const stage = new Stage();
    @Controller()
    class Routes {
      @Get('route/:id')
      @Locked('result:{params.id}')
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

    await eventually(async () => expect(await locks.inspect('result:7')).toBeNull());
  });
});
