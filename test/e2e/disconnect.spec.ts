import { connect, constants, type ClientHttp2Stream } from 'node:http2';
import { connect as connectSocket, type AddressInfo, Socket } from 'node:net';

import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  Param,
  Post,
  Res,
  StreamableFile,
  UseInterceptors,
  type CallHandler,
} from '@nestjs/common';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { Locked } from 'nestjs-redis-lock';
import { timeout } from 'rxjs';

import { afterTest } from '../support/after-test.js';
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

  @Get('first')
  first(): Promise<string> {
    return stage.pass('first');
  }

  @Get('sent/:id')
  @Locked('order:{params.id}')
  sent(@Res() response: { send(text: string): void }): void {
    response.send('sent');
  }

  @Get('file/:id')
  @Locked('order:{params.id}')
  file(): StreamableFile {
    return new StreamableFile(Buffer.from('file'));
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

describe.each(PLATFORMS)(
  'a request that waits for the answer to one before it on %s',
  (platform) => {
    async function startPipelined(path: string) {
      const { app, url, locks, log } = await startApp({ platform, controllers: [Orders] });
      const connections: Socket[] = [];
      app.getHttpServer().on('connection', (each: Socket) => void connections.push(each));
      const socket: Socket = connectSocket(Number(new URL(url).port), '127.0.0.1');
      afterTest(() => socket.destroy());
      const pipeline = (): boolean =>
        socket.write(
          ['/first', path].map((each) => `GET ${each} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''),
        );
      return { locks, log, socket, pipeline, connections };
    }

    it('leaves the queue when its client disconnects', async () => {
      const { locks, log, socket, pipeline } = await startPipelined('/get/7');
      const holder = await locks.acquire('order:7');
      pipeline();
      const waiters = async () => (await locks.inspect('order:7'))?.waiters;
      await eventually(async () => expect(await waiters()).toBe(1));

      socket.destroy();

      await eventually(async () => expect(await waiters()).toBe(0), { within: NOISE_MS });
      await holder.release();
      stage.open();
      expect(stage.entries).toEqual(['first']);
      expect(log.of('error', 'warn')).toEqual([]);
    });

    it.each(['/sent/7', '/file/7'])(
      'gives its lock back when its client disconnects: %s',
      async (path) => {
        const { locks, socket, pipeline } = await startPipelined(path);
        pipeline();
        await eventually(async () => expect(await locks.inspect('order:7')).not.toBeNull());

        socket.destroy();

        await eventually(async () => expect(await locks.inspect('order:7')).toBeNull(), {
          within: NOISE_MS,
        });
        stage.open();
      },
    );

    it('leaves nothing on its connection once it is answered', async () => {
      const { locks, socket, pipeline, connections } = await startPipelined('/sent/7');
      let answers = '';
      socket.on('data', (text) => (answers += String(text)));
      pipeline();
      await eventually(async () => expect(await locks.inspect('order:7')).not.toBeNull());
      stage.open();
      await eventually(async () => expect(await locks.inspect('order:7')).toBeNull());
      await eventually(() => expect(answers).toContain('sent'));
      const [connection] = connections;
      const left = [connection?.listenerCount('close'), connection?.getMaxListeners()];
      for (const path of ['/sent/7', '/sent/8']) {
        answers = '';
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
        await eventually(() => expect(answers).toContain('sent'));
      }

      expect([connection?.listenerCount('close'), connection?.getMaxListeners()]).toEqual(left);
      expect(connection?.getMaxListeners()).toBe(new Socket().getMaxListeners());
    });
  },
);

describe('a client over HTTP/2 that waits for a lock', () => {
  it.each([
    ['cancels its stream', (stream: ClientHttp2Stream) => stream.close(constants.NGHTTP2_CANCEL)],
    ['drops its session', (stream: ClientHttp2Stream) => stream.session?.destroy()],
  ])('leaves the queue when it %s', async (_how, leave) => {
    const { app, locks, log } = await startApp({
      platform: 'fastify',
      fastify: { http2: true } as never,
      controllers: [Orders],
    });
    const holder = await locks.acquire('order:7');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const session = connect(`http://127.0.0.1:${port}`).on('error', () => {});
    afterTest(() => session.destroy());
    const paths = ['/get/7', '/positional/7', '/post'];
    const streams = paths.map((path) => {
      const method = path === '/post' ? 'POST' : 'GET';
      const json = method === 'POST' && { 'content-type': 'application/json' };
      const open = session.request({ ':path': path, ':method': method, ...json });
      open.on('error', () => {});
      open.end(method === 'POST' ? '{"id":"7"}' : undefined);
      return open;
    });
    const waiters = async () => (await locks.inspect('order:7'))?.waiters;
    await eventually(async () => expect(await waiters()).toBe(streams.length));

    for (const open of streams) leave(open);

    await eventually(async () => expect(await waiters()).toBe(0), { within: NOISE_MS });
    await holder.release();
    expect(stage.entries).toEqual([]);
    expect(log.of('error', 'warn')).toEqual([]);
  });
});

describe('a client over TCP that waits for a lock', () => {
  @Controller()
  class Messages {
    @MessagePattern('context')
    @Locked('order')
    context(): string {
      stage.enter('context');
      return 'ran';
    }

    @MessagePattern('positional')
    @Locked('{0}')
    positional(@Payload() _key: string): string {
      stage.enter('positional');
      return 'ran';
    }

    @EventPattern('event')
    @Locked('order')
    event(_data: unknown): void {
      stage.enter('event');
    }
  }

  async function startBusy() {
    const { locks, log, rpcPort } = await startApp({ controllers: [Messages], rpc: true });
    const options = { host: '127.0.0.1', port: rpcPort };
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    afterTest(() => client.close());
    const lock = await locks.acquire('order');
    const waiters = async () => (await locks.inspect('order'))?.waiters;
    return { client, locks, log, lock, waiters };
  }

  it('leaves the queue with all its messages when it disconnects', async () => {
    const warnings: unknown[] = [];
    const warn = (warning: unknown): void => void warnings.push(warning);
    process.on('warning', warn);
    afterTest(() => void process.off('warning', warn));
    const { client, locks, log, lock, waiters } = await startBusy();
    for (let i = 0; i < 15; i += 1)
      client.send(i % 2 === 0 ? 'context' : 'positional', 'order').subscribe({ error: () => {} });
    await eventually(async () => expect(await waiters()).toBe(15));

    client.close();

    await eventually(async () => expect(await waiters()).toBe(0));
    await lock.release();
    expect(await locks.inspect('order')).toBeNull();
    expect(stage.entries).toEqual([]);
    expect(log.of('error', 'warn')).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('has its event handled all the same, for which it waits no longer', async () => {
    const { client, lock, waiters } = await startBusy();
    client.emit('event', {});
    await eventually(async () => expect(await waiters()).toBe(1));

    client.close();

    await lock.release();
    await stage.arrived(1);
  });
});
