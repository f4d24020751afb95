import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, describe, expect, it, jest } from '@jest/globals';

import { BoardHttp, type BoardRequest } from '../../../lib/board/board-http.js';
import { afterTest } from '../../support/after-test.js';

afterEach(() => {
  jest.useRealTimers();
});

describe('the stream of a board', () => {
  it('says every 15 s that it is there, in the event that the page listens for', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'performance', 'setImmediate', 'setTimeout'] });
    const server = createServer((request, response) => {
      new BoardHttp(request as BoardRequest, response).stream();
    }).listen(0, '127.0.0.1');
    afterTest(() => server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const gone = new AbortController();
    afterTest(() => gone.abort());
    const answer = await fetch(`http://127.0.0.1:${port}`, { signal: gone.signal });
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('retry: 1000\n\n');

    jest.advanceTimersByTime(15_000);
    expect((await reader.read()).value).toBe('event: alive\ndata: {}\n\n');
  });
});
