import { Readable } from 'node:stream';

import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Sse, StreamableFile } from '@nestjs/common';
import { isLockError, Locked, LockService, toHttpException } from 'nestjs-redis-lock';
import { defer, from, map, type Observable } from 'rxjs';

import { PLATFORMS, startApp } from './support/app.js';

@Injectable()
class Rows {
  @Locked('rows:{0}', { wait: 0 })
  async *of(id: string): AsyncGenerator<string> {
    yield id;
  }
}

@Controller()
class Reports {
  constructor(
    private readonly rows: Rows,
    private readonly locks: LockService,
  ) {}

  @Get('file')
  file(): StreamableFile {
    const file = new StreamableFile(Readable.from(this.rows.of('secret')));
    return file.setErrorHandler((error, response) => {
      if (!isLockError(error)) throw error;
      const answer = toHttpException(error);
      response.statusCode = answer.getStatus();
      response.send(JSON.stringify(answer.getResponse()));
    });
  }

  @Get('stream')
  stream(): Readable {
    return Readable.from(this.rows.of('secret'));
  }

  @Sse('events')
  @Locked('outer')
  events(): Observable<{ data: string }> {
    const entered = defer(() => from(this.locks.withLock('rows:secret', () => 'row', { wait: 0 })));
    return entered.pipe(map((data) => ({ data })));
  }
}

describe.each(PLATFORMS)('a lock that is busy when an answer has begun, on %s', (platform) => {
  const ask = async (path: string) => {
    const { url, locks } = await startApp({
      platform,
      controllers: [Reports],
      providers: [Rows],
    });
    await using _lock = await locks.acquire('rows:secret');
    const response = await fetch(`${url}/${path}`);
    return { status: response.status, text: await response.text() };
  };

  it.each(['file', 'stream'])(
    'is 423 with the public body where no byte was sent: %s',
    async (path) => {
      const { status, text } = await ask(path);

      expect(status).toBe(423);
      expect(JSON.parse(text)).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'rows:{0}' });
    },
  );

  it('is an event with the public message for a client of server-sent events', async () => {
    const { text } = await ask('events');

    expect(text).toContain('event: error');
    expect(text).toContain('This resource is busy. Try again later.');
    expect(text).not.toContain('secret');
  });
});
