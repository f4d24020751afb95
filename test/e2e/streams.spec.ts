import { PassThrough, Readable, Stream } from 'node:stream';

import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Next,
  Query,
  Res,
  Sse,
  StreamableFile,
  UseInterceptors,
  type CallHandler,
} from '@nestjs/common';
import { Locked, LockService } from 'nestjs-redis-lock';
import { Subject, defer, map, of, race, take, type Observable } from 'rxjs';

import { eventually } from '../support/eventually.js';
import { PLATFORMS, startApp } from './support/app.js';
import { openRequest } from './support/http.js';
import { Stage } from './support/stage.js';

interface AnyResponse {
  readonly raw?: AnyResponse;
  write(chunk: string): void;
  end(chunk?: string): void;
}

let stage: Stage;
let events: Subject<string>;
let stream: PassThrough;
const file = () => new StreamableFile(stream);
const toFile = {
  intercept: (_: unknown, next: CallHandler) => next.handle().pipe(map(file)),
};
beforeEach(() => {
  stage = new Stage();
  events = new Subject();
  stream = new PassThrough();
});

@Controller()
class Streams {
  constructor(private readonly locks: LockService) {}

  #key(): string {
    return this.locks.current()?.key ?? 'unlocked';
  }

  @Sse('sse')
  @Locked('stream')
  sse(): Observable<{ data: string }> {
    return defer(() => {
      const key = this.#key();
      return events.pipe(map((data) => ({ data: `${data} ${key}` })));
    });
  }

  @Sse('sse-positional')
  @Locked('{0}')
  async ssePositional(@Query('key') _key: string): Promise<Observable<{ data: string }>> {
    return events.pipe(map((data) => ({ data })));
  }

  @Get('observable')
  @Locked('stream')
  observable(): Observable<string> {
    return events;
  }

  @Get('generator')
  @Locked('stream')
  async *generator(): AsyncGenerator<string> {
    stage.enter('start');
    yield `${this.#key()}\n`;
    try {
      yield await stage.pass(`${this.#key()}\n`);
    } finally {
      stage.enter('finally');
    }
  }

  @Get('positional')
  @Locked('{0}', { wait: 0 })
  async *positional(@Query('key') key: string): AsyncGenerator<string> {
    yield `${key} ${this.#key()}\n`;
    yield await stage.pass('end');
  }

  @Get('file')
  @Locked('stream')
  async file(): Promise<StreamableFile> {
    stage.enter('file');
    return new StreamableFile(stream);
  }

  @Get('observed')
  @Locked('stream')
  observed(): Observable<StreamableFile> {
    stage.enter('observed');
    return of(file());
  }

  @Get('promised')
  @Locked('stream')
  async promised(): Promise<Observable<StreamableFile>> {
    return this.observed();
  }

  @Get('observed-positional')
  @Locked('{0}')
  observedPositional(@Query('key') _key: string): Observable<StreamableFile> {
    stage.enter('observed');
    return of(file());
  }

  @Get('wrapped')
  @UseInterceptors(toFile)
  @Locked('stream')
  wrapped(): string {
    stage.enter('wrapped');
    return 'plain';
  }

  @Get('wrapped-observable')
  @UseInterceptors(toFile)
  @Locked('stream')
  wrappedObservable(): Observable<string> {
    stage.enter('wrapped');
    return of('plain');
  }

  @Get('fallback')
  @UseInterceptors({
    intercept: (_: unknown, next: CallHandler) =>
      race(next.handle(), events.pipe(take(1), map(file))),
  })
  @Locked('stream')
  async fallback(): Promise<string> {
    await stage.pass('fallback');
    stage.enter('late');
    return 'late';
  }

  @Get('res')
  @Locked('stream')
  async res(@Res() response: AnyResponse): Promise<void> {
    const raw = response.raw ?? response;
    stage.enter('res');
    raw.write('a');
    void stage.pass('body').then(() => raw.end('b'));
  }

  @Get('res-positional')
  @Locked('{0}')
  resPositional(@Query('key') _key: string, @Res() response: AnyResponse): Observable<string> {
    void this.res(response);
    return of('ignored');
  }

  @Get('passthrough')
  @Locked('stream')
  passthrough(@Res({ passthrough: true }) _response: AnyResponse): string {
    return this.#key();
  }

  @Get('skipped')
  @Locked('stream', { ifBusy: 'skip' })
  skipped(@Res() _response: AnyResponse): void {
    stage.enter('never');
  }

  @Get('skipped-plain')
  @Locked('stream', { ifBusy: 'skip' })
  skippedPlain(): string {
    return stage.entries.join();
  }

  @Get('skipped-next')
  @Locked('stream', { ifBusy: 'skip' })
  skippedNext(@Next() _next: () => void): void {
    stage.enter('never');
  }

  @Sse('skipped-sse')
  @Locked('stream', { ifBusy: 'skip' })
  skippedSse(): Observable<unknown> {
    return of({ data: 'never' });
  }
}

describe.each(PLATFORMS)('a streamed answer on %s', (platform) => {
  async function start() {
    const { url, locks, log } = await startApp({ platform, controllers: [Streams] });
    const isHeld = async () => (await locks.inspect('stream')) !== null;
    const held = (value: boolean) => eventually(async () => expect(await isHeld()).toBe(value));
    const open = (path: string) => fetch(`${url}/${path}`);
    const openAndLeave = (path: string) => openRequest(`${url}/${path}`);
    return { open, openAndLeave, locks, log, isHeld, held };
  }

  it('of server-sent events holds the lock at each event, until the end', async () => {
    const { open, held, isHeld } = await start();
    const response = await open('sse');
    await eventually(() => expect(events.observed).toBe(true));
    expect(await isHeld()).toBe(true);
    events.next('one');
    events.next('two');
    expect(await isHeld()).toBe(true);
    events.complete();

    expect(await response.text()).toMatch(/data: one stream\n[^]*data: two stream\n/);
    await held(false);
  });

  it.each(['sse', 'sse-positional?key=stream'])(
    'of server-sent events releases the lock when the client leaves: %s',
    async (path) => {
      const { openAndLeave, held, log } = await start();
      const client = openAndLeave(path);
      await client.answered;
      await eventually(() => expect(events.observed).toBe(true));
      events.next('one');
      await client.leave();

      await held(false);
      expect(events.observed).toBe(false);
      expect(log.of('error', 'warn')).toEqual([]);
    },
  );

  it('of an Observable holds the lock until the Observable has completed', async () => {
    const { open, held } = await start();
    const response = open('observable');
    await eventually(() => expect(events.observed).toBe(true));
    events.next('one');
    await held(true);
    events.next('two');
    events.complete();

    expect(await (await response).text()).toBe('two');
    await held(false);
  });

  it('of an async generator holds the lock until the answer has ended', async () => {
    const { open, held, isHeld } = await start();
    const response = await open('generator');
    await stage.arrived(2);
    expect(await isHeld()).toBe(true);
    stage.open();

    expect(await response.text()).toBe('stream\nstream\n');
    await held(false);
  });

  it('of an async generator with a positional key holds its lock, and may be refused', async () => {
    const { open, held, isHeld } = await start();
    const response = await open('positional?key=stream');
    await stage.arrived(1);
    expect(await isHeld()).toBe(true);
    expect((await open('positional?key=stream')).status).toBe(423);
    stage.open();

    expect(await response.text()).toBe('stream stream\nend');
    await held(false);
  });

  it('of an async generator releases the lock when the client leaves', async () => {
    const { openAndLeave, held, log } = await start();
    const client = openAndLeave('generator');
    await client.answered;
    await stage.arrived(2);
    await client.leave();

    await held(false);
    stage.open();
    await eventually(() => expect(stage.entries).toContain('finally'));
    expect(log.of('error', 'warn')).toEqual([]);
  });

  it.each([
    'file',
    'observed',
    'promised',
    'observed-positional?key=stream',
    'wrapped',
    'wrapped-observable',
  ])('of a StreamableFile holds the lock until it was sent: %s', async (path) => {
    const { open, held, isHeld } = await start();
    const response = open(path);
    await stage.arrived(1);
    stream.write('a');
    const { body } = await response;
    expect(await isHeld()).toBe(true);
    stream.end('b');

    expect(await new Response(body).text()).toBe('ab');
    await held(false);
  });

  it('of a StreamableFile that stands in for a late body holds the lock until it was sent', async () => {
    const { open, held, locks } = await start();
    const order: string[] = [];
    locks.events.on('released', () => order.push('released'));
    const response = open('fallback');
    await stage.arrived(1);
    events.next('too late');
    stream.write('a');
    const { body } = await response;
    stage.open();
    await stage.arrived(2);
    // Asked after the body has ended, this is answered after whatever that leads to.
    expect((await open('none')).status).toBe(404);
    order.push('sent');
    stream.end('b');

    expect(await new Response(body).text()).toBe('ab');
    await held(false);
    expect(order).toEqual(['sent', 'released']);
  });

  it.each(['file', 'res', 'observed', 'observed-positional?key=stream'])(
    'releases the lock when the client leaves: %s',
    async (path) => {
      const { openAndLeave, held, isHeld } = await start();
      const client = openAndLeave(path);
      await stage.arrived(1);
      stream.write('a');
      await client.answered;
      expect(await isHeld()).toBe(true);
      await client.leave();

      await held(false);
      stage.open();
    },
  );

  it.each(['res', 'res-positional?key=stream'])(
    'that the handler sends by itself holds the lock until it was sent: %s',
    async (path) => {
      const { open, held, isHeld } = await start();
      const response = await open(path);
      await stage.arrived(2);
      expect(await isHeld()).toBe(true);
      stage.open();

      expect(await response.text()).toBe('ab');
      await held(false);
    },
  );

  it('with @Res({ passthrough: true }) is a plain answer', async () => {
    const { open, held } = await start();

    expect(await (await open('passthrough')).text()).toBe('stream');
    await held(false);
  });

  it.each(['skipped', 'skipped-plain', 'skipped-next', 'skipped-sse'])(
    'of a skipped call is empty: %s',
    async (path) => {
      const { open, locks } = await start();
      await using _lock = await locks.acquire('stream');

      const response = await open(path);

      expect(response.status).toBe(200);
      expect((await response.text()).trim()).toBe('');
      expect(stage.entries).toEqual([]);
    },
  );
});

describe('a stream as result on fastify', () => {
  let push: (text: string) => void;
  let finish: () => void;

  @Controller()
  class Raw {
    @Get('readable')
    @Locked('stream')
    readable(): Readable {
      [push, finish] = [(text) => stream.write(text), () => stream.end()];
      stage.enter('readable');
      return stream;
    }

    @Get('old')
    @Locked('stream')
    async old(): Promise<Stream> {
      const old = new Stream();
      // It has no buffer: what comes before somebody listens is gone.
      old.on('newListener', (event) => event === 'data' && setImmediate(() => stage.enter('old')));
      [push, finish] = [(text) => old.emit('data', text), () => old.emit('end')];
      return old;
    }

    @Get('web')
    @Locked('stream')
    async web(): Promise<object> {
      const web = new ReadableStream({
        start(controller) {
          push = (text) => controller.enqueue(Buffer.from(text));
          finish = () => controller.close();
        },
      });
      stage.enter('web');
      return { getReader: () => web.getReader() };
    }
  }

  it.each(['readable', 'old', 'web'])('holds the lock until it was sent: %s', async (path) => {
    const { url, locks } = await startApp({ platform: 'fastify', controllers: [Raw] });
    const response = fetch(`${url}/${path}`);
    await stage.arrived(1);
    push('a');
    const { body } = await response;
    expect(await locks.inspect('stream')).not.toBeNull();
    push('b');
    finish();

    expect(await new Response(body).text()).toBe('ab');
    await eventually(async () => expect(await locks.inspect('stream')).toBeNull());
  });
});
