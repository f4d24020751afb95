import { describe, expect, it } from '@jest/globals';
import { Body, Controller, HttpCode, Post, UsePipes, ValidationPipe } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsInt, IsPositive } from 'class-validator';
import { Locked } from 'nestjs-redis-lock';

import { startApp } from './support/app.js';

class Order {
  @Transform(({ value }) => Number(value))
  @IsInt()
  @IsPositive()
  id = 0;
}

@Controller()
@UsePipes(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }))
class Orders {
  @Post('sent')
  @HttpCode(200)
  @Locked('order:{body.id}')
  sent(@Body() order: Order): unknown {
    return order;
  }

  @Post('checked')
  @HttpCode(200)
  @Locked('order:{0.id}')
  checked(@Body() order: Order): unknown {
    return order;
  }
}

async function start() {
  const { url, locks } = await startApp({ controllers: [Orders] });
  const keys: string[] = [];
  locks.events.on('acquired', ({ key }) => keys.push(key));
  const send = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}/${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as object };
  };
  return { locks, keys, send };
}

describe('beside a ValidationPipe', () => {
  it('a part of the body is what the client sent, an argument what the pipe made of it', async () => {
    const { keys, send } = await start();

    expect(await send('sent', { id: '007' })).toEqual({ status: 200, body: { id: 7 } });
    expect(await send('checked', { id: '007' })).toEqual({ status: 200, body: { id: 7 } });

    expect(keys).toEqual(['order:007', 'order:7']);
  });

  it.each([
    ['sent', { id: '-7' }],
    ['sent', { id: '7', more: 1 }],
    ['checked', { id: '-7' }],
    ['checked', { id: '7', more: 1 }],
    ['checked', { id: { $gt: '' } }],
  ])(
    'a request to /%s with %j is answered by the pipe, and leaves nothing locked',
    async (path, body) => {
      const { locks, send } = await start();

      const answer = await send(path, body);

      expect(answer).toMatchObject({ status: 400, body: { error: 'Bad Request' } });
      for await (const lock of locks.list()) expect(lock).toBeUndefined();
    },
  );
});
