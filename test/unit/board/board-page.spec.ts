import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';

import type { BoardHolder, BoardRow } from '../../../lib/board/board-row.js';
import type { BoardUpdate } from '../../../lib/board/lock-poller.js';
import { boardPage } from '../../../lib/board/page/board-page.js';
import { BOARD_SCRIPT } from '../../../lib/board/page/board-script.js';
import { BOARD_STYLE } from '../../../lib/board/page/board-style.js';
import { launchBrowser } from '../../support/browser.js';
import { afterTest } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

/** The page alone, told by the test what there is. */
class BoardPage {
  readonly #streams: ServerResponse[] = [];
  readonly #server = createServer(({ url = '' }, response) => {
    const send = (type: string, body: string): unknown =>
      response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(body);
    const facts = { base: './locks/', isOpen: false, mayRelease: true };
    if (url === '/locks') return send('text/html', boardPage(facts));
    if (url.endsWith('board.js')) return send('text/javascript', BOARD_SCRIPT);
    if (url.endsWith('board.css')) return send('text/css', BOARD_STYLE);
    if (!url.endsWith('/events')) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('\n');
    return this.#streams.push(response);
  });

  private constructor(readonly page: Page) {}

  /** @param prepare What is done to the browser before. */
  static async open(prepare?: (context: BrowserContext) => Promise<unknown>): Promise<BoardPage> {
    const context = await browser.newContext();
    await prepare?.(context);
    const board = new BoardPage(await context.newPage());
    const server = board.#server;
    afterTest(async () => {
      await context.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await board.page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/locks`);
    await board.connected(1);
    return board;
  }

  get status(): Locator {
    return this.page.getByRole('status');
  }

  /** The page has asked for its stream so often. */
  connected(times: number): Promise<void> {
    return eventually(() => expect(this.#streams.length).toBe(times));
  }

  tell(rows: readonly BoardRow[], update: Partial<BoardUpdate> = {}): void {
    const all = { now: Date.now(), whole: false, rows, gone: [], hidden: 0, ...update };
    this.#streams.at(-1)!.write(`data: ${JSON.stringify(all)}\n\n`);
  }

  /** Tells the page that the stream is there. */
  alive(): void {
    this.#streams.at(-1)!.write('event: alive\ndata: {}\n\n');
  }

  /** Breaks the connection; the page comes back by itself. */
  cut(): void {
    this.#streams.at(-1)!.destroy();
  }

  key(key: string): Locator {
    return this.page.getByRole('button', { name: key, exact: true });
  }

  /** Who held the lock whose history is open, the last first. */
  async moments(): Promise<string[]> {
    const texts = await this.page.locator('#moments li').allTextContents();
    return texts.map((text) => text.replace(/, h 1: .*|: .*/, ''));
  }

  focused(): Promise<string> {
    return this.page.evaluate(
      'document.activeElement.ariaLabel ?? document.activeElement.textContent',
    );
  }
}

function row(
  key: string,
  holder: Partial<BoardHolder> = {},
  more: Partial<BoardRow> = {},
): BoardRow {
  const now = Date.now();
  const held = { label: 'Some.job', host: 'h', pid: 1, since: now, early: false };
  return {
    ...{ id: key, service: 'default', key, mode: 'exclusive', permits: 1, waiters: 0 },
    holders: [{ ...held, endsAt: now + 30_000, ...holder }],
    ...{ mark: '', queue: [] },
    ...more,
  };
}

describe('the history on the page of a board', () => {
  it('has one moment for a holder, however often its lease is renewed', async () => {
    const board = await BoardPage.open();
    for (const minutes of [5, 10, 15]) {
      const endsAt = Date.now() + minutes * 60_000;
      board.tell([row('k', { endsAt, since: 1 })]);
      await board.page.getByText(`${minutes} min`, { exact: true }).waitFor();
    }
    await board.key('k').click();

    expect(await board.moments()).toEqual(['Some.job']);
  });

  it('has all that a held lock went through, while very many others come and go', async () => {
    const board = await BoardPage.open();
    board.tell([row('report', { label: 'First.holder' })]);
    board.tell([row('report', { label: 'Second.holder' })]);
    for (let i = 0; i < 6; i += 1) {
      const keys = Array.from({ length: 1000 }, (_, j) => `other:${i}:${j}`);
      board.tell(keys.map((key) => row(key)));
      board.tell([], { gone: keys });
    }
    board.tell([row('last')]);
    await board.key('last').waitFor();
    await board.key('report').click();

    expect(await board.moments()).toEqual(['Second.holder', 'First.holder']);
  });

  it.each([
    [
      'paused',
      async ({ page }: BoardPage) => {
        const pause = page.getByRole('button', { name: 'Pause' });
        await pause.click();
        await page.getByText('Paused: 2 locks').waitFor();
        await pause.click();
      },
    ],
    [
      'cut off',
      async (board: BoardPage) => {
        board.cut();
        await board.page.getByText('Connection lost').waitFor();
      },
    ],
  ])('does not claim what was not seen while the page was %s', async (_, interrupt) => {
    const board = await BoardPage.open();
    board.tell([row('k', { label: 'Seen.job' }), row('gone')], { whole: true });
    await board.page.getByText('Live: 2 locks').waitFor();
    await interrupt(board);
    await board.connected(2);
    board.tell([row('k', { label: 'Other.job' })], { whole: true });
    await board.page.getByText('Live: 1 lock').waitFor();
    await board.key('k').click();

    expect(await board.moments()).toEqual(['Other.job', 'not seen', 'Seen.job']);
  });

  it('does not claim what was not seen while Redis was away', async () => {
    const board = await BoardPage.open();
    board.tell([row('k'), row('gone')], { whole: true });
    await board.key('gone').click();
    board.tell([], { error: 'Redis is away.' });
    await board.page.getByText('Redis is away.').waitFor();
    board.tell([row('k')], { whole: true });
    await board.page.getByText('Live: 1 lock').waitFor();
    expect(await board.moments()).toEqual(['free', 'not seen', 'Some.job']);
    await board.key('k').click();
    expect(await board.moments()).toEqual(['Some.job', 'not seen', 'Some.job']);
  });

  it('does not call a lock free that may be among those which are hidden', async () => {
    const board = await BoardPage.open();
    board.tell([row('k')]);
    await board.key('k').click();
    board.tell([], { gone: ['k'], hidden: 1 });
    await board.page.getByText('Showing 0 of 1').waitFor();

    expect(await board.moments()).toEqual(['not seen', 'Some.job']);
  });
});

/** Counts the events of a stream that are no messages. */
const COUNT_EVENTS = `
  const { addEventListener } = EventSource.prototype;
  globalThis.heard = 0;
  EventSource.prototype.addEventListener = function (type, listener) {
    addEventListener.call(this, type, listener);
    addEventListener.call(this, type, () => { globalThis.heard += 1; });
  };
`;

describe('the page of a board', () => {
  it('connects again when its connection is silent for longer than the server ever is', async () => {
    const board = await BoardPage.open(async (context) => {
      await context.clock.install();
      await context.addInitScript(COUNT_EVENTS);
    });
    board.tell([row('k')]);
    await board.page.getByText('Live: 1 lock').waitFor();
    await board.page.clock.fastForward(30_000);
    board.alive();
    await board.page.waitForFunction('globalThis.heard === 1', undefined, { polling: 20 });
    await board.page.clock.fastForward(30_000);
    expect(await board.status.textContent()).toContain('Live');

    await board.page.clock.fastForward(15_000);
    await board.page.getByText('Connection lost').waitFor();
    await board.page.clock.fastForward(1000);
    await board.connected(2);
  });
});

describe('the table on the page of a board', () => {
  it('keeps the focus with a lock whose row moves, and has it itself when the lock is gone', async () => {
    const board = await BoardPage.open();
    board.tell([row('a', {}, { waiters: 2 }), row('b', {}, { waiters: 1 })]);
    await board.key('b').waitFor();
    await board.page.getByRole('columnheader', { name: 'Waiting' }).getByRole('button').click();
    await board.key('b').focus();
    board.tell([row('b', {}, { waiters: 5 })]);
    const keys = board.page.locator('td.key');
    await eventually(async () => expect(await keys.allTextContents()).toEqual(['b', 'a']));
    expect(await board.focused()).toBe('b');

    board.tell([], { gone: ['b'] });
    await board.page.getByText('Live: 1 lock').waitFor();
    expect(await board.page.evaluate('document.activeElement.id')).toBe('table');
  });

  it('gives the focus back to the button that asked, though its row changed meanwhile', async () => {
    const board = await BoardPage.open();
    board.tell([row('k')]);
    await board.page.getByRole('button', { name: 'Release k' }).press('Enter');
    board.tell([row('k', {}, { waiters: 3 })]);
    await board.page.getByText('3 waiting').waitFor();
    await board.page.getByRole('button', { name: 'Keep it' }).press('Enter');

    await eventually(async () => expect(await board.focused()).toBe('Release k'));
  });

  it('measures what is left of a lease by the lease of its own holder', async () => {
    const board = await BoardPage.open();
    board.tell([row('k', { label: 'Long.job', endsAt: Date.now() + 600_000 })]);
    await board.page.getByText('Long.job').waitFor();
    board.tell([row('k', { label: 'Short.job', endsAt: Date.now() + 30_000 })]);
    await board.page.getByText('Short.job').waitFor();

    expect(await board.page.locator('.bar i').getAttribute('class')).not.toBe('late');
  });

  it('does not say that nothing is locked before it knows, nor where only nothing matches', async () => {
    const board = await BoardPage.open();
    const more = board.page.locator('#more');
    await board.page.getByLabel('Search').fill('x');
    expect([await board.status.textContent(), await more.textContent()]).toEqual([
      'Connecting …',
      '',
    ]);
    board.tell([row('k')]);
    await board.page.getByText('Nothing matches.').waitFor();
    board.tell([], { gone: ['k'] });
    await board.page.getByText('Nothing is locked.').waitFor();
  });
});
