import { describe, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  Injectable,
  Param,
  Post,
  Query,
  UsePipes,
  type PipeTransform,
} from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Locked, LockService } from 'nestjs-redis-lock';

import { PLATFORMS, startApp } from './support/app.js';
import { connectRpc } from './support/clients.js';

/** What the database has for an identifier: an order of nobody, or none. */
@Injectable()
class LoadOrder implements PipeTransform<string | undefined> {
  transform(id: string | undefined): object | null | undefined {
    return id === undefined || id === 'none' ? null : { id, customerId: null, tags: ['new'] };
  }
}

@Injectable()
class AddOwner implements PipeTransform<object> {
  transform(message: object): object {
    return { ...message, found: null, loaded: { owner: null } };
  }
}

@Injectable()
class SplitPipe implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.split(',') : value;
  }
}

@Injectable()
class TrimPipe implements PipeTransform<{ id: string }> {
  transform(body: { id: string }): object {
    body.id = body.id.trim();
    return body;
  }
}

@Controller()
class Orders {
  constructor(private readonly locks: LockService) {}

  @Get('customer/:id')
  @Locked('customer:{0.customerId}')
  customer(@Param('id', LoadOrder) _order: object): string {
    return 'ran';
  }

  @Get('tags/:id')
  @Locked('tags:{0.tags}')
  tags(@Param('id', LoadOrder) _order: object): string {
    return 'ran';
  }

  @Get('order/:id')
  @Locked('order:{0}')
  order(@Param('id', LoadOrder) _order: object): string {
    return 'ran';
  }

  @Get('wanted')
  @Locked('order:{0.id}')
  wanted(@Query('id', LoadOrder) _order: object): string {
    return 'ran';
  }

  @Get('found')
  @UsePipes(AddOwner)
  @Locked('found:{0.found}')
  found(@Query() _query: object): string {
    return 'ran';
  }

  @Get('asked')
  @UsePipes(AddOwner)
  @Locked('asked:{0.name}')
  asked(@Query() _query: object): string {
    return 'ran';
  }

  @Get('split')
  @UsePipes(SplitPipe)
  @Locked('split:{0}')
  split(@Query('ids') _ids: string): string {
    return 'ran';
  }

  @MessagePattern('loaded')
  @Locked('owner:{0.loaded.owner}')
  loaded(@Payload(AddOwner) _message: object): string {
    return 'ran';
  }

  @MessagePattern('sent')
  @Locked('owner:{0.owner}')
  sent(@Payload(AddOwner) _message: object): string {
    return 'ran';
  }

  @Post('trimmed')
  @Locked(['account:{body.id}', 'other:{0.other}'])
  trimmed(@Body(TrimPipe) _body: object): readonly string[] | undefined {
    return this.locks.current()?.keys;
  }
}

describe.each(PLATFORMS)('a part of the key that a pipe made, on %s', (platform) => {
  it.each(['customer/7', 'tags/7', 'order/none', 'found?name=a', 'split?ids=1,2'])(
    'is the fault of the application where the client sent its own: /%s',
    async (path) => {
      const { url, log } = await startApp({ platform, controllers: [Orders] });

      const response = await fetch(`${url}/${path}`);

      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({
        message: 'This request could not be handled.',
        code: 'LOCK_KEY',
      });
      expect(log.of('error')).toHaveLength(1);
    },
  );

  it.each([
    ['wanted', 'This request lacks query.id.'],
    ['asked?other=a', 'This request lacks query.name.'],
    ['asked?name=', 'This request lacks query.name.'],
    ['split?ids=1&ids=2', 'In this request query.ids is an array; one value is needed.'],
  ])('is the fault of the client that sent nothing to make it of: /%s', async (path, message) => {
    const { url, log } = await startApp({ platform, controllers: [Orders] });

    const response = await fetch(`${url}/${path}`);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ message, code: 'LOCK_KEY' });
    expect(log.of('error')).toEqual([]);
  });
});

describe('a part of the key that a pipe made of a message', () => {
  it('is the fault of the application where the client sent no such thing', async () => {
    const app = await startApp({ controllers: [Orders], rpc: true });

    await expect(connectRpc(app)('loaded', { id: 7 })).rejects.toMatchObject({
      message: 'This request could not be handled.',
    });
    expect(app.log.of('error')).toHaveLength(1);
  });

  it('is the fault of the client that left it out', async () => {
    const app = await startApp({ controllers: [Orders], rpc: true });

    await expect(connectRpc(app)('sent', { id: 7 })).rejects.toMatchObject({
      message: 'This request lacks data.owner.',
    });
    expect(app.log.of('error')).toEqual([]);
  });
});

describe.each(PLATFORMS)('a part of the request beside a positional one, on %s', (platform) => {
  it('is what the client sent, also when a pipe changes the body in place', async () => {
    const { url } = await startApp({ platform, controllers: [Orders] });

    const response = await fetch(`${url}/trimmed`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: ' 7', other: 1 }),
    });

    expect(await response.json()).toEqual(['account:%207', 'other:1']);
  });
});
