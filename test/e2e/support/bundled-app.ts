/* A whole application for one file: it asks its own handlers for a busy lock, and prints what they answer. */
import 'reflect-metadata';
import { once } from 'node:events';

import { Controller, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, MessagePattern, Transport } from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Locked, LockService, RedisLockModule } from 'nestjs-redis-lock';
import { lastValueFrom } from 'rxjs';
import { WebSocket } from 'ws';

@Controller()
class RpcHandlers {
  constructor(@Inject(LockService) private readonly locks: LockService) {}

  @MessagePattern('locked')
  @Locked('order', { wait: 0 })
  locked(): void {}

  @MessagePattern('plain')
  plain(): Promise<void> {
    return this.locks.withLock('order', () => {}, { wait: 0 });
  }
}

@WebSocketGateway()
class Gateway {
  constructor(@Inject(LockService) private readonly locks: LockService) {}

  @SubscribeMessage('locked')
  @Locked('order', { wait: 0 })
  locked(): void {}

  @SubscribeMessage('plain')
  plain(): Promise<void> {
    return this.locks.withLock('order', () => {}, { wait: 0 });
  }
}

@Module({
  imports: [RedisLockModule.forRoot({ connection: 'memory', shutdownTimeout: 0 })],
  controllers: [RpcHandlers],
  providers: [Gateway],
})
class AppModule {}

const port = Number(process.argv[2]);
const app = await NestFactory.create(AppModule, { logger: ['error'] });
app.useWebSocketAdapter(new WsAdapter(app));
app.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
await app.startAllMicroservices();
await app.listen(0, '127.0.0.1');
const lock = await app.get(LockService).acquire('order');

const rpc = ClientProxyFactory.create({
  transport: Transport.TCP,
  options: { host: '127.0.0.1', port },
});
const socket = new WebSocket((await app.getUrl()).replace('http', 'ws'));
await once(socket, 'open');

async function overSocket(event: string): Promise<unknown> {
  socket.send(JSON.stringify({ event, data: {} }));
  const [message] = (await once(socket, 'message')) as [Buffer];
  return JSON.parse(message.toString());
}

const overRpc = (pattern: string): Promise<unknown> =>
  lastValueFrom(rpc.send(pattern, {})).catch((error: unknown) => error);

const answers = {
  rpc: [await overRpc('locked'), await overRpc('plain')],
  ws: [await overSocket('locked'), await overSocket('plain')],
};
process.stdout.write(`${JSON.stringify(answers)}\n`);
await lock.release();
socket.terminate();
rpc.close();
await app.close();
