// An application with the built library and its board, which holds a lock until it is ended.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { LockBoardModule } from '../../dist/esm/board.js';
import { LockService, RedisLockModule } from '../../dist/esm/index.js';
import { tell } from './parent.mjs';

class App {}
Module({
  imports: [
    RedisLockModule.forRoot({ connection: 'memory' }),
    LockBoardModule.forRoot({ path: 'locks', guards: 'none' }),
  ],
})(App);

const app = await NestFactory.create(App, { logger: false });
await app.listen(0, '127.0.0.1');
await app.get(LockService).acquire('order:7', { label: 'Orders.pay' });
tell('listening', { port: app.getHttpServer().address().port });
