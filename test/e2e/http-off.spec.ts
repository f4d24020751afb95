import { describe, expect, it } from '@jest/globals';
import { Controller, Get } from '@nestjs/common';
import { Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { LockLostError, LockService } from 'nestjs-redis-lock';

import { startApp } from './support/app.js';
import { askGraphql, connectRpc, connectSocket, graphqlModule } from './support/clients.js';

// A file of its own: what one application teaches the filters of Nest they know in all of a process.

@Controller()
class Handlers {
  constructor(private readonly locks: LockService) {}

  @MessagePattern('take')
  @Get('take')
  take(): Promise<string> {
    return this.locks.withLock('stock:secret', () => 'taken', { wait: 0 });
  }

  @Get('lost')
  lost(): never {
    throw new LockLostError(['stock:secret'], 5, 'for the test.');
  }
}

@WebSocketGateway()
class Gateway {
  constructor(private readonly locks: LockService) {}

  @SubscribeMessage('take')
  take(): Promise<string> {
    return this.locks.withLock('stock:secret', () => 'taken', { wait: 0 });
  }
}

@Resolver()
class Stock {
  constructor(private readonly locks: LockService) {}

  @Query(() => String)
  take(): Promise<string> {
    return this.locks.withLock('stock:secret', () => 'taken', { wait: 0 });
  }
}

const BUSY = {
  message: 'This resource is busy. Try again later.',
  code: 'LOCK_TIMEOUT',
  key: '',
};

describe('a lock error of a service with http: false', () => {
  const start = async () => {
    const app = await startApp({
      lock: { http: false },
      rpc: true,
      imports: [graphqlModule()],
      controllers: [Handlers],
      providers: [Gateway, Stock],
    });
    const lock = await app.locks.acquire('stock:secret');
    return { ...app, lock };
  };

  it.each(['take', 'lost'])('is left alone over HTTP: %s', async (path) => {
    const { url, log } = await start();

    const response = await fetch(`${url}/${path}`);

    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
    expect(log.of('error')).toHaveLength(1);
  });

  it('is the documented error over RPC', async () => {
    await expect(connectRpc(await start())('take')).rejects.toEqual({ status: 'error', ...BUSY });
  });

  it('is the documented error over WebSocket', async () => {
    const { ask } = await connectSocket(await start());

    await expect(ask('take')).rejects.toEqual({ status: 'error', ...BUSY });
  });

  it('is the documented error of GraphQL', async () => {
    const { errors } = await askGraphql(await start(), '{ take }');
    const { message, ...extensions } = BUSY;

    expect(errors).toMatchObject([{ message, extensions }]);
    expect(JSON.stringify(errors)).not.toContain('secret');
  });
});
