import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  Param,
  Post,
  Res,
  UseInterceptors,
  type CallHandler,
} from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';
import { timeout } from 'rxjs';

import { eventually } from '../support/eventually.js';
import { NOISE_MS } from '../support/noise.js';
import { PLATFORMS, startApp } from './support/app.js';
import { openRequest } from './support/http.js';
import { Stage } from './support/stage.js';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

@Controller()
class Orders {
  @Get('get/:id')
  @Locked('order:{params.id}')
  get(): string {
    stage.enter('get');
    return 'ran';
  }

  @Get('positional/:id')
  @Locked('order:{0}')
  positional(@Param('id') _id: string): string {
    stage.enter('positional');
    return 'ran';
  }

  @Get('generator/:id')
  @Locked('order:{0}')
  async *generator(@Param('id') _id: string): AsyncGenerator<string> {
    stage.enter('generator');
    yield 'ran';
  }

  @Post('post')
  @Locked('order:{body.id}')
  post(@Body() _body: unknown): string {
    stage.enter('post');
    return 'ran';
  }

  @Get('res/:id')
  @Locked('order:{params.id}')
  res(@Res() _response: unknown): void {
    stage.enter('res');
  }

  @Get('impatient/:id')
  @Locked('order:{params.id}')
  @UseInterceptors({
    intercept: (_: unknown, next: CallHandler) => next.handle().pipe(timeout(20)),
  })
  impatient(): string {
    stage.enter('impatient');
    return 'ran';
  }
}

describe.each(PLATFORMS)('a client that waits for a lock on %s', (platform) => {
  async function startBusy() {
    const { url, locks, log } = await startApp({ platform, controllers: [Orders] });
    const holder = await locks.acquire('order:7');
    const waiters = async () => (await locks.inspect('order:7'))?.waiters;
    const settled: string[] = [];
    locks.events.on('acquired', ({ label }) => settled.push(label));
    return { url, locks, log, holder, waiters, settled };
  }

  it.each([
    ['GET', 'get/7', ''],
    ['POST', 'post', '{"id":"7"}'],
    ['GET', 'positional/7', ''],
    ['GET', 'generator/7', ''],
    ['GET', 'res/7', ''],
  ])('leaves the queue when it disconnects: %s %s', async (method, path, body) => {
    const { url, holder, waiters, log, settled } = await startBusy();
    const client = openRequest(`${url}/${path}`, { method, body });
    await eventually(async () => expect(await waiters()).toBe(1));

    await client.leave();

    await eventually(async () => expect(await waiters()).toBe(0), { within: NOISE_MS });
    await holder.release();
    expect(settled).toEqual([]);
    expect(stage.entries).toEqual([]);
    expect(log.of('error', 'warn')).toEqual([]);
  });

  it.each([
    ['GET', 'get/7', ''],
    ['POST', 'post', '{"id":"7"}'],
  ])('gets its answer when it stays: %s %s', async (method, path, body) => {
    const { url, holder, waiters } = await startBusy();
    const client = openRequest(`${url}/${path}`, { method, body });
    await eventually(async () => expect(await waiters()).toBe(1));

    await holder.release();

    expect((await client.answered).statusCode).toBeLessThan(300);
    expect(stage.entries).toHaveLength(1);
  });

  it('leaves the queue when an interceptor outside gives up', async () => {
    const { url, holder, waiters } = await startBusy();

    expect((await fetch(`${url}/impatient/7`)).status).toBe(500);

    expect(await waiters()).toBe(0);
    await holder.release();
    expect(stage.entries).toEqual([]);
  });
});
