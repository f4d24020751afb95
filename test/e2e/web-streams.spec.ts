import { beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable } from '@nestjs/common';
import { Locked } from 'nestjs-redis-lock';

import { eventually } from '../support/eventually.js';
import { PLATFORMS, startApp } from './support/app.js';
import { openRequest } from './support/http.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

let cancelled: string[];
let finish: () => void;
beforeEach(() => {
  cancelled = [];
});

/** One chunk, and then nothing, for good. */
function quiet(name: string): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue(bytes('a')),
    pull: () => new Promise(() => {}),
    cancel: () => void cancelled.push(name),
  });
}

/** What packages of their own return in place of the global `Response`. */
class PackageResponse {
  readonly status = 200;
  readonly type = 'default';
  readonly headers = new Headers({ 'content-type': 'text/plain' });
  readonly body = new ReadableStream({
    async start(controller) {
      controller.enqueue(bytes('a'));
      await new Promise<void>((resolve) => (finish = resolve));
      controller.enqueue(bytes('b'));
      controller.close();
    },
  });

  get [Symbol.toStringTag](): string {
    return 'Response';
  }
}

@Controller()
class Answers {
  @Get('quiet')
  @Locked('k')
  async quiet(): Promise<ReadableStream> {
    return quiet('of the handler');
  }

  @Get('response')
  @Locked('k')
  async response(): Promise<PackageResponse> {
    return new PackageResponse();
  }

  @Get('no-iterable')
  @Locked('k')
  async noIterable(): Promise<object> {
    return { a: 1, [Symbol.asyncIterator]: undefined };
  }
}

@Injectable()
class Sources {
  @Locked('k')
  async open(): Promise<ReadableStream> {
    return quiet('of the provider');
  }
}

describe.each(PLATFORMS)('a result of the web on %s', (platform) => {
  it('that says nothing more is cancelled when the client leaves', async () => {
    const { url, locks } = await startApp({ platform, controllers: [Answers] });
    const request = openRequest(`${url}/quiet`);
    await request.answered;

    await request.leave();

    await eventually(() => expect(cancelled).toEqual(['of the handler']));
    await eventually(async () => expect(await locks.inspect('k')).toBeNull());
  });

  it('that is a Response of another package holds the lock until it was sent', async () => {
    const { url, locks } = await startApp({ platform, controllers: [Answers] });
    const answer = await fetch(`${url}/response`);
    const reader = answer.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('a');

    expect(await locks.inspect('k')).not.toBeNull();
    finish();

    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('b');
    await eventually(async () => expect(await locks.inspect('k')).toBeNull());
  });

  it('that only has the name of an iterator is a plain one', async () => {
    const { url } = await startApp({ platform, controllers: [Answers] });

    expect(await (await fetch(`${url}/no-iterable`)).json()).toEqual({ a: 1 });
  });
});

describe('a ReadableStream of a provider', () => {
  it('is cancelled while a read waits, and gives back the lock', async () => {
    const { app, locks } = await startApp({ providers: [Sources] });
    const reader = (await app.get(Sources).open()).getReader();
    await reader.read();
    const waiting = reader.read();
    expect(await locks.inspect('k')).not.toBeNull();

    await reader.cancel();

    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(cancelled).toEqual(['of the provider']);
    await eventually(async () => expect(await locks.inspect('k')).toBeNull());
  });
});
