import { describe, expect, it } from '@jest/globals';
import { Catch, Controller, Injectable, UseFilters } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { BaseRpcExceptionFilter, MessagePattern, Transport } from '@nestjs/microservices';
import { BaseWsExceptionFilter, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { WsAdapter } from '@nestjs/platform-ws';
import { Locked, LockError, LockService, RedisLockModule } from 'nestjs-redis-lock';
import { throwError, type Observable } from 'rxjs';
import { WebSocket } from 'ws';

import { afterTest } from '../support/after-test.js';
import { freePort } from '../support/spawn-redis.mjs';
import { RecordingLogger, startApp } from './support/app.js';
import { connectRpc, connectSocket } from './support/clients.js';

@Injectable()
class Stock {
  constructor(private readonly locks: LockService) {}

  take(): Promise<string> {
    return this.locks.withLock('stock:secret', () => 'taken', { wait: 0 });
  }

  @Locked('stock:{0}', { wait: 0 })
  async shelve(_sku: string): Promise<string> {
    return 'shelved';
  }
}

@Catch()
class HandsOnRpc extends BaseRpcExceptionFilter {}

@Catch(LockError)
class MineRpc {
  catch(error: LockError): Observable<never> {
    return throwError(() => ({ mine: error.code }));
  }
}

@Controller()
class RpcHandlers {
  constructor(private readonly stock: Stock) {}

  @MessagePattern('take')
  take(): Promise<string> {
    return this.stock.take();
  }

  @MessagePattern('shelve')
  shelve(): Promise<string> {
    return this.stock.shelve('secret');
  }

  @MessagePattern('handed on')
  @UseFilters(HandsOnRpc)
  handedOn(): Promise<string> {
    return this.stock.take();
  }

  @MessagePattern('mine')
  @UseFilters(MineRpc)
  mine(): Promise<string> {
    return this.stock.take();
  }
}

@Catch()
class HandsOnWs extends BaseWsExceptionFilter {}

@WebSocketGateway()
class Gateway {
  constructor(private readonly stock: Stock) {}

  @SubscribeMessage('take')
  take(): Promise<string> {
    return this.stock.take();
  }

  @SubscribeMessage('handed on')
  @UseFilters(HandsOnWs)
  handedOn(): Promise<string> {
    return this.stock.take();
  }

  @SubscribeMessage('shelve')
  shelve(): Promise<string> {
    return this.stock.shelve('secret');
  }
}

function busy(key: string) {
  const message = 'This resource is busy. Try again later.';
  return { status: 'error', message, code: 'LOCK_TIMEOUT', key };
}

describe('a busy lock of a service', () => {
  it.each([[false], [true]])(
    'in an RPC handler of a hybrid application is the documented error; inheritAppConfig: %s',
    async (inheritAppConfig) => {
      const port = await freePort();
      const app = await startApp({
        controllers: [RpcHandlers],
        providers: [Stock],
        before: async (nest) => {
          const options = { host: '127.0.0.1', port };
          nest.connectMicroservice({ transport: Transport.TCP, options }, { inheritAppConfig });
          await nest.startAllMicroservices();
        },
      });
      const send = connectRpc({ ...app, rpcPort: port });
      await using _lock = await app.locks.acquire('stock:secret');

      await expect(send('take')).rejects.toEqual(busy(''));
      await expect(send('shelve')).rejects.toEqual(busy('stock:{0}'));
      await expect(send('handed on')).rejects.toEqual(busy(''));
      await expect(send('mine')).rejects.toEqual({ mine: 'LOCK_TIMEOUT' });
      expect(app.log.of('error', 'warn')).toEqual([]);
    },
  );

  it('in an application of messages only is the documented error', async () => {
    class AppModule {}
    const module = {
      module: AppModule,
      imports: [RedisLockModule.forRoot({ connection: 'memory', shutdownTimeout: 0 })],
      controllers: [RpcHandlers],
      providers: [Stock],
    };
    const port = await freePort();
    const logger = new RecordingLogger();
    const app = await NestFactory.createMicroservice(module, {
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
      logger,
    });
    afterTest(() => app.close());
    await app.listen();
    const send = connectRpc({ rpcPort: port } as never);
    await using _lock = await app.get(LockService).acquire('stock:secret');

    await expect(send('take')).rejects.toEqual(busy(''));
    await expect(send('handed on')).rejects.toEqual(busy(''));
    expect(logger.of('error', 'warn')).toEqual([]);
  });

  it('in a gateway is the documented error', async () => {
    const app = await startApp({ providers: [Stock, Gateway] });
    const { ask } = await connectSocket(app);
    await using _lock = await app.locks.acquire('stock:secret');

    await expect(ask('take')).rejects.toEqual(busy(''));
    await expect(ask('handed on')).rejects.toEqual(busy(''));
    await expect(ask('shelve')).rejects.toEqual(busy('stock:{0}'));
    expect(app.log.of('error', 'warn')).toEqual([]);
  });

  it('in a gateway of plain WebSockets is the documented error', async () => {
    const app = await startApp({
      providers: [Stock, Gateway],
      before: (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)),
    });
    const socket = new WebSocket(app.url.replace('http', 'ws'));
    afterTest(() => socket.terminate());
    await new Promise((resolve) => socket.once('open', resolve));
    await using _lock = await app.locks.acquire('stock:secret');
    socket.send(JSON.stringify({ event: 'take', data: {} }));

    const answer = await new Promise((resolve) => socket.once('message', resolve));
    expect(JSON.parse(String(answer))).toEqual({ event: 'exception', data: busy('') });
    expect(app.log.of('error', 'warn')).toEqual([]);
  });
});
