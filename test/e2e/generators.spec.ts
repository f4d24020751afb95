import { beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ReadableStream } from 'node:stream/web';
import { StreamableFile } from '@nestjs/common';
import { transformSync } from 'esbuild';
import { Locked, LockLostError, LockService } from 'nestjs-redis-lock';
import ts from 'typescript';

import { eventually } from '../support/eventually.js';
import { startApp } from './support/app.js';
import { Stage } from './support/stage.js';

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

@Injectable()
class Rows {
  constructor(private readonly locks: LockService) {}

  @Locked('rows', { wait: 0 })
  async *all(): AsyncGenerator<unknown, string, string> {
    try {
      const answer = yield this.locks.current()?.key;
      await stage.pass(answer);
      yield this.locks.current()?.key;
      return 'end';
    } finally {
      stage.enter('finally');
    }
  }

  @Locked('rows', { ifBusy: 'skip' })
  async *skipping(): AsyncGenerator<string> {
    yield 'one';
  }

  @Locked('rows')
  async cursor(): Promise<AsyncIterable<number>> {
    return {
      async *[Symbol.asyncIterator]() {
        yield 1;
        yield 2;
      },
    };
  }

  @Locked('rows')
  async closable(): Promise<AsyncIterableIterator<number>> {
    const iterator: AsyncIterableIterator<number> = {
      next: async () => ({ done: false, value: 1 }),
      async return() {
        stage.enter('closed');
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  @Locked('rows')
  async readable(): Promise<Readable> {
    return Readable.from(['a', 'b']);
  }

  @Locked('rows')
  async file(): Promise<StreamableFile> {
    return new StreamableFile(Readable.from([Buffer.from('a')]));
  }

  @Locked('rows')
  async web(): Promise<ReadableStream> {
    return ReadableStream.from(['a', 'b']);
  }
}

async function startRows() {
  const { app, locks } = await startApp({ providers: [Rows] });
  const isHeld = async () => (await locks.inspect('rows')) !== null;
  return { rows: app.get(Rows), locks, isHeld };
}

describe('an async generator method', () => {
  it('gives its generator at once and acquires at the first step', async () => {
    const { rows, isHeld } = await startRows();
    const all = rows.all();
    expect(await isHeld()).toBe(false);

    expect(await all.next('ignored')).toEqual({ done: false, value: 'rows' });
    expect(await isHeld()).toBe(true);
    const second = all.next('answer');
    await stage.arrived(1);
    stage.open();

    expect(await second).toEqual({ done: false, value: 'rows' });
    expect(stage.entries).toEqual(['answer']);
    expect(await all.next('')).toEqual({ done: true, value: 'end' });
    expect(await isHeld()).toBe(false);
  });

  it('releases at return(), after its finally block', async () => {
    const { rows, isHeld } = await startRows();

    for await (const _ of rows.all() as AsyncIterable<unknown>) break;

    expect(stage.entries).toEqual(['finally']);
    expect(await isHeld()).toBe(false);
  });

  it('releases at the end of a block that uses it', async () => {
    const { rows, isHeld } = await startRows();
    {
      await using all = rows.all() as AsyncGenerator & AsyncDisposable;
      await all.next('ignored');
      expect(await isHeld()).toBe(true);
    }

    expect(stage.entries).toEqual(['finally']);
    expect(await isHeld()).toBe(false);
  });

  it('never acquires when it is stopped before the first step', async () => {
    const { rows, locks, isHeld } = await startRows();
    await using _lock = await locks.acquire('rows');
    const all = rows.all();

    expect(await all.return('stop')).toEqual({ done: true, value: 'stop' });
    expect(await all.next('')).toEqual({ done: true, value: undefined });
    expect(await isHeld()).toBe(true);
  });

  it('rejects its first step when the lock is busy', async () => {
    const { rows, locks } = await startRows();
    await using _lock = await locks.acquire('rows');

    await expect(rows.all().next('')).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(stage.entries).toEqual([]);
  });

  it("is empty with ifBusy: 'skip'", async () => {
    const { rows, locks } = await startRows();
    await using _lock = await locks.acquire('rows');

    const values: string[] = [];
    for await (const value of rows.skipping()) values.push(value);

    expect(values).toEqual([]);
  });

  it('passes errors that are thrown into it to its body', async () => {
    const { rows, isHeld } = await startRows();
    const all = rows.all();
    await all.next('');
    const failure = new Error('from outside');

    await expect(all.throw(failure)).rejects.toBe(failure);
    expect(stage.entries).toEqual(['finally']);
    expect(await isHeld()).toBe(false);
  });

  it('tells at its end that the lock was lost', async () => {
    const { rows, locks } = await startRows();
    stage.open();
    const all = rows.all();
    await all.next('');
    await locks.forceRelease('rows');
    await all.next('');

    await expect(all.next('')).rejects.toThrow(LockLostError);
  });
});

describe('a method that returns', () => {
  it('an async iterable holds its lock until the iteration has ended', async () => {
    const { rows, isHeld } = await startRows();
    const values: number[] = [];

    for await (const value of await rows.cursor()) {
      values.push(value);
      expect(await isHeld()).toBe(true);
    }

    expect(values).toEqual([1, 2]);
    expect(await isHeld()).toBe(false);
  });

  it('a Node stream holds its lock until the stream has ended', async () => {
    const { rows, isHeld } = await startRows();
    const readable = await rows.readable();
    expect(await isHeld()).toBe(true);

    expect(await text(readable)).toBe('ab');

    await eventually(async () => expect(await isHeld()).toBe(false));
  });

  it('a Node stream releases its lock when the stream is destroyed', async () => {
    const { rows, isHeld } = await startRows();
    const readable = await rows.readable();

    readable.destroy();

    await eventually(async () => expect(await isHeld()).toBe(false));
  });

  it('a StreamableFile holds its lock until its stream has ended', async () => {
    const { rows, isHeld } = await startRows();
    const file = await rows.file();
    expect(file).toBeInstanceOf(StreamableFile);
    expect(await isHeld()).toBe(true);

    expect(await text(file.getStream())).toBe('a');

    await eventually(async () => expect(await isHeld()).toBe(false));
  });

  it('a web stream holds its lock until the stream has ended or was cancelled', async () => {
    const { rows, isHeld } = await startRows();
    const web = await rows.web();
    expect(web).toBeInstanceOf(ReadableStream);
    expect(await isHeld()).toBe(true);
    expect(await text(web)).toBe('ab');
    expect(await isHeld()).toBe(false);

    await (await rows.web()).cancel();
    expect(await isHeld()).toBe(false);
  });
});

describe('an async iterable whose lock was lost before its first step', () => {
  it('is closed, and tells of it instead of beginning', async () => {
    const { rows, locks } = await startRows();
    const lost = new Promise((resolve) => locks.events.on('lost', resolve));
    const closable = await rows.closable();
    await locks.forceRelease('rows');
    await lost;

    await expect(closable.next()).rejects.toThrow(LockLostError);
    expect(stage.entries).toEqual(['closed']);
  });
});

describe('an async generator that was compiled for an old target', () => {
  const SOURCE = `var Feed = class Feed {
    constructor(count) { this.count = count; }
    async *feed(from = 0) { for (let i = from; i < this.count; i += 1) yield i; }
  };`;
  const compiled = {
    TypeScript: ts.transpileModule(SOURCE, { compilerOptions: { target: ts.ScriptTarget.ES2017 } })
      .outputText,
    esbuild: transformSync(SOURCE, { target: 'es2017' }).code,
    'Babel (by hand)': `function _wrapAsyncGenerator(f) { return async function* () { yield* f.apply(this, arguments); }; }
      var Feed = class Feed {
        constructor(count) { this.count = count; }
        feed(from = 0) {
          var _this = this;
          return _wrapAsyncGenerator(function* () { for (let i = from; i < _this.count; i += 1) yield i; })();
        }
      };`,
  };

  it.each(Object.entries(compiled))('gives its generator at once, by %s', async (_name, code) => {
    // oxlint-disable-next-line typescript/no-implied-eval
    const makeFeed = new Function(`${code}; return Feed;`) as () => new (count: number) => {
      feed(from?: number): AsyncGenerator<number>;
    };
    const Feed = makeFeed();
    const method = Object.getOwnPropertyDescriptor(Feed.prototype, 'feed')!;
    Locked('feed')(Feed.prototype as object, 'feed', method);
    Object.defineProperty(Feed.prototype, 'feed', method);
    const feed = new Feed(3);
    const { locks } = await startApp({ providers: [{ provide: 'feed', useValue: feed }] });

    const numbers: number[] = [];
    for await (const number of feed.feed(1)) {
      expect(await locks.inspect('feed')).not.toBeNull();
      numbers.push(number);
    }
    feed.feed();

    expect(numbers).toEqual([1, 2]);
    expect(await locks.inspect('feed')).toBeNull();
  });
});
