import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:http2';
import type { Socket } from 'node:net';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  type HttpException,
  Injectable,
  ServiceUnavailableException,
} from '@nestjs/common';
import axe from 'axe-core';
import type { LockService } from 'nestjs-redis-lock';
import { LockBoardModule } from 'nestjs-redis-lock/board';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

import { managerOf } from '../../lib/nest/service/lock.service.js';
import { launchBrowser } from '../support/browser.js';
import { afterTest, closing } from '../support/after-test.js';
import { Child } from '../support/child.js';
import { eventually } from '../support/eventually.js';
import { Gate } from '../support/gate.js';
import { openClient, openManager } from '../support/managers.js';
import { RedisServer } from '../support/redis-server.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { type AppOptions, PLATFORMS, type Platform, startApp } from './support/app.js';

const HOSTILE = '"><img src=x onerror="document.title=\'owned\'">\u202e\u001b[31m</script>';

@Injectable()
class OperatorGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest();
    return /operator=yes/.test(headers.cookie ?? '');
  }
}

let keyPrefix: string;
beforeEach(() => {
  keyPrefix = uniquePrefix();
});

const start = (
  platform: Platform = 'express',
  options: object = {},
  fastify?: AppOptions['fastify'],
) =>
  startApp({
    platform,
    ...(fastify && { fastify }),
    lock: { connection: sharedRedisUrl(), keyPrefix },
    imports: [
      LockBoardModule.forRoot({
        path: 'ops/locks',
        guards: [OperatorGuard],
        allowRelease: true,
        ...options,
      }),
    ],
  });
const FROM_PAGE = { 'x-lock-board': 'release' };
const other = () => openManager(sharedRedisUrl(), { keyPrefix });
const asOperator = { headers: { cookie: 'operator=yes' } };

/** The rows of the first message of the stream. */
async function firstUpdate(url: string): Promise<any> {
  const answer = await fetch(`${url}/ops/locks/events`, asOperator);
  let text = '';
  for await (const chunk of answer.body!) {
    text += Buffer.from(chunk).toString();
    const [, data] = /^data: (.*)\n\n/m.exec(text) ?? [];
    // Leaving the loop ends the stream.
    if (data !== undefined) return JSON.parse(data);
  }
  throw new Error('The stream ended without a message.');
}

function post(url: string, body: object, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${url}/ops/locks/release`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', cookie: 'operator=yes', ...headers },
    });
    request.on('error', reject).on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.end(JSON.stringify(body));
  });
}

/** How many pages of keys were asked for from here on. */
function countPages(locks: LockService): () => number {
  const { viewer } = managerOf(locks)!;
  const pages = viewer.pages.bind(viewer);
  let count = 0;
  viewer.pages = () => {
    count += 1;
    return pages();
  };
  return () => count;
}

describe('the options of a board', () => {
  it.each([
    [{ path: 'locks' }, /guards .* got undefined/],
    [{ path: 'locks', guards: [] }, /guards/],
    [{ path: 'locks', guards: 'open' }, /guards .* got "open"/],
    [{ path: '/', guards: 'none' }, /path .* got "\/"/],
    [{ path: 'locks', guards: 'none', allowrelease: true }, /allowrelease is not an option/],
    [undefined, /path .* got undefined/],
    [null, /options must be an object, got null/],
    [{ path: 'locks', guards: 'none', allowRelease: 'yes' }, /allowRelease/],
  ])('%j are refused', (options, message) => {
    expect(() => LockBoardModule.forRoot(options as never)).toThrow(message);
  });
});

describe.each(PLATFORMS)('a board on %s', (platform) => {
  it('is behind its guards, with everything that it consists of', async () => {
    const { url } = await start(platform);
    for (const path of ['', '/board.js', '/board.css', '/events']) {
      expect((await fetch(`${url}/ops/locks${path}`)).status).toBe(403);
    }
    expect((await fetch(`${url}/ops/locks/release`, { method: 'POST' })).status).toBe(403);
    const page = await fetch(`${url}/ops/locks`, asOperator);

    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/);
    expect(page.headers.get('content-security-policy')).not.toMatch(/unsafe/);
    expect(await page.text()).toContain('src="./locks/board.js"');
    if (platform === 'fastify') return;
    expect(await (await fetch(`${url}/ops/locks/`, asOperator)).text()).toContain('"./board.js"');
  });

  it('tells who holds a lock of another process, and who waits for it in order', async () => {
    const { url } = await start(platform);
    const [a, b, c] = [other(), other(), other()];
    const lock = await a.acquire('k', { label: 'Report.build' });
    const waiting = [];
    for (const [i, manager] of [b, c].entries()) {
      waiting.push(manager.acquire('k', { label: `waiter ${i}`, wait: '20s' }));
      await eventually(async () => expect((await a.inspect('k'))?.waiters).toBe(i + 1));
    }
    const { rows } = await firstUpdate(url);

    expect(rows).toMatchObject([
      {
        key: 'k',
        waiters: 2,
        holders: [{ label: 'Report.build', pid: process.pid }],
        queue: [{ label: 'waiter 0' }, { label: 'waiter 1' }],
      },
    ]);
    await lock.release();
    for (const call of waiting) await (await call).release();
  });

  it('tells of every holder of a lock that several hold, and how many may', async () => {
    const { url } = await start(platform);
    const [a, b] = [other(), other()];
    const five = { permits: 5 };
    await a.acquire('export', { ...five, label: 'Export.one' });
    await a.acquire('export', { ...five, label: 'Export.one' });
    await b.acquire('export', { ...five, label: 'Export.two' });
    await a.acquire('report', { mode: 'shared', label: 'Report.read' });
    await b.acquire('report', { mode: 'shared', label: 'Report.read' });
    const { rows } = await firstUpdate(url);
    const of = (key: string) => rows.find((row: { key: string }) => row.key === key);
    const labels = ({ holders }: { holders: { label: string }[] }) =>
      holders.map(({ label }) => label).sort();

    expect(of('export')).toMatchObject({ mode: 'exclusive', permits: 5 });
    expect(labels(of('export'))).toEqual(['Export.one', 'Export.one', 'Export.two']);
    expect(of('report')).toMatchObject({ mode: 'shared', permits: 1 });
    expect(labels(of('report'))).toEqual(['Report.read', 'Report.read']);
  });

  it('releases a lock for its own page, and for no other', async () => {
    const { url, locks } = await start(platform);
    const lock = await locks.acquire('k');
    const { host, origin } = new URL(url);
    const [{ mark }] = (await firstUpdate(url)).rows;
    const body = { service: 'default', key: 'k', mark };
    const header = { 'x-lock-board': 'release' };

    expect(await post(url, body, { origin })).toBe(403);
    expect(await post(url, body, header)).toBe(403);
    expect(await post(url, body, { ...header, origin: 'https://evil.example' })).toBe(403);
    expect(await post(url, body, { ...header, origin, 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await post(url, body, { ...header, origin, cookie: '' })).toBe(403);
    expect(await post(url, { ...body, service: 'x' }, { ...header, origin })).toBe(400);
    expect(await post(url, { ...body, key: '!k' }, { ...header, origin })).toBe(400);
    expect(lock.signal.aborted).toBe(false);
    expect(await post(url, body, { ...header, origin, host })).toBe(200);
    await eventually(() => expect(lock.signal.aborted).toBe(true));
  });

  it('releases a lock from the holders who were shown only, and tells when there are others', async () => {
    const { url, locks } = await start(platform);
    const stuck = await locks.acquire('k', { label: 'Stuck.job' });
    const [{ mark }] = (await firstUpdate(url)).rows;
    const release = () =>
      post(url, { service: 'default', key: 'k', mark }, { ...FROM_PAGE, origin: url });
    await stuck.release();
    expect(await release()).toBe(200);
    const healthy = await locks.acquire('k', { label: 'Healthy.job' });

    expect(await release()).toBe(409);
    expect((await locks.inspect('k'))?.holders).toMatchObject([{ label: 'Healthy.job' }]);
    expect(healthy.signal.aborted).toBe(false);
  });

  it.each([
    [{ service: { toString: 1, valueOf: 1 }, key: 'k', mark: '' }],
    [{ service: 'default', key: { toString: 1 }, mark: '' }],
    [{ service: 'default', key: 'k', mark: ['x'] }],
    [{ service: 'default', key: 'k' }],
    [[]],
  ])('finds fault with a release of %j', async (body) => {
    const { url } = await start(platform);

    expect(await post(url, body, { ...FROM_PAGE, origin: url })).toBe(400);
  });

  it('asks Redis for nothing when only the head of its stream is asked for', async () => {
    const { url, locks } = await start(platform);
    const asked = countPages(locks);
    const answer = await fetch(`${url}/ops/locks/events`, { ...asOperator, method: 'HEAD' });

    expect([answer.status, asked()]).toEqual([200, 0]);
  });

  it('asks Redis for nothing for a viewer that left while its guard was deciding', async () => {
    const [guard, left] = [new Gate(), new Gate()];
    class SlowGuard implements CanActivate {
      async canActivate(context: ExecutionContext): Promise<boolean> {
        const response = context.switchToHttp().getResponse();
        (response.raw ?? response).once('close', left.open);
        asking.open();
        await guard.passed;
        return true;
      }
    }
    const asking = new Gate();
    const { url, locks } = await start(platform, { guards: [new SlowGuard()] });
    const asked = countPages(locks);
    const request = httpRequest(`${url}/ops/locks/events`).on('error', () => {});
    request.end();
    await asking.passed;
    request.destroy();
    await left.passed;
    guard.open();
    await fetch(`${url}/ops/locks/board.js`);

    expect(asked()).toBe(0);
  });

  it('refuses a release where it is off, and everywhere with guards: none', async () => {
    const off = await start(platform, { allowRelease: false });
    const open = await start(platform, { guards: 'none' });
    const lock = await off.locks.acquire('k');
    for (const { url } of [off, open]) {
      const headers = { 'x-lock-board': 'release', origin: new URL(url).origin };
      expect(await post(url, { service: 'default', key: 'k' }, headers)).toBe(403);
    }
    expect(lock.signal.aborted).toBe(false);
    expect(await (await fetch(`${open.url}/ops/locks`)).text()).toContain('open to everybody');
  });

  it('lets the application close while somebody looks', async () => {
    const { app, url } = await start(platform);
    const answer = await fetch(`${url}/ops/locks/events`, asOperator);
    await app.close();

    expect(await answer.text()).toContain('retry');
  });
});

describe('a board over HTTP/2', () => {
  const header = { cookie: 'operator=yes' };

  it('tells of the locks, and releases for its own page', async () => {
    const { url, locks } = await start('fastify', {}, { http2: true } as never);
    const lock = await locks.acquire('k');
    const client = connect(url);
    afterTest(() => client.close());
    const events = client.request({ ':path': '/ops/locks/events', ...header });
    let text = '';
    events.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await eventually(() => expect(text).toContain('"key":"k"'));
    const [{ mark }] = JSON.parse(/^data: (.*)$/m.exec(text)![1]!).rows;
    events.close();

    const release = client.request({
      ...{ ':method': 'POST', ':path': '/ops/locks/release', ...header, ...FROM_PAGE },
      ...{ 'content-type': 'application/json', origin: url },
    });
    release.end(JSON.stringify({ service: 'default', key: 'k', mark }));
    const [answer] = await once(release.resume(), 'response');
    expect(answer[':status']).toBe(200);
    await eventually(() => expect(lock.signal.aborted).toBe(true));
  });
});

describe('a board of a Redis with very many keys', () => {
  it('asks for no more than a lock a millisecond, and only counts those that it does not show', async () => {
    const server = closing(await RedisServer.start());
    const client = openClient(server.url);
    const foreign = Array.from({ length: 8000 }, (_, i) => [`lock:k${i}`, 'somebody']).flat();
    await client.mset(...foreign);
    const { url } = await startApp({
      lock: { connection: server.url },
      imports: [LockBoardModule.forRoot({ path: 'ops/locks', guards: [OperatorGuard] })],
    });
    const startedAt = performance.now();
    const { rows, hidden } = await firstUpdate(url);
    const stats = await client.info('commandstats');
    const ms = performance.now() - startedAt;

    expect(rows).toHaveLength(2000);
    expect(hidden).toBe(6000);
    const [, scripts] = /cmdstat_evalsha:calls=(\d+)/.exec(stats) ?? [];
    // A page of keys is asked for before its pause.
    expect(Number(scripts)).toBeLessThan(ms + 700);
  });
});

describe('a board in a browser', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  /** @param options.mayFail What the page's console may tell of. */
  async function open(
    url: string,
    { mayFail, ...options }: BrowserContextOptions & { mayFail?: RegExp } = {},
  ): Promise<Page> {
    const context = await browser.newContext({ ...options, extraHTTPHeaders: asOperator.headers });
    afterTest(() => context.close());
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    afterTest(() => expect(faults.filter((fault) => !mayFail?.test(fault))).toEqual([]));
    await page.goto(`${url}/ops/locks`);
    await page.getByText('Live:').waitFor();
    return page;
  }

  const violations = async (page: Page): Promise<unknown[]> => {
    await page.evaluate(axe.source);
    return page.evaluate(() =>
      (globalThis as any).axe.run().then((found: any) => found.violations),
    );
  };
  const shot = async (page: Page, name: string): Promise<void> => {
    const directory = process.env['BOARD_SCREENSHOTS'];
    if (directory) await page.screenshot({ path: `${directory}/${name}.png`, fullPage: true });
  };

  it('shows a lock of another process, until it is released', async () => {
    const { url } = await start();
    const page = await open(url);
    const args = [JSON.stringify({ connection: sharedRedisUrl(), keyPrefix })];
    const process = closing(Child.start('locker.mjs', { args }));
    await process.next('ready');
    process.send({ type: 'lock', id: 1, key: 'order:7', options: { label: 'Orders.pay' } });
    await process.next('entered');
    const row = page.getByRole('row', { name: /order:7/ });
    await row.waitFor({ timeout: 5000 });
    expect(await row.textContent()).toContain(`Orders.pay`);
    process.send({ type: 'end', id: 1 });
    await row.waitFor({ state: 'detached', timeout: 5000 });
  });

  it('shows how many of the permits are used, and every holder beside the others', async () => {
    const { url } = await start();
    const [a, b] = [other(), other()];
    const five = { permits: 5 };
    const first = await a.acquire('export', { ...five, label: 'Export.one' });
    await b.acquire('export', { ...five, label: 'Export.two' });
    await a.acquire('report', { mode: 'shared', label: 'Report.read' });
    const page = await open(url);
    const row = page.getByRole('row', { name: /export/ });
    await row.getByText('2 of 5 permits').waitFor();
    expect(await row.textContent()).toContain('Export.one');
    expect(await row.textContent()).toContain('Export.two');
    expect(await page.getByRole('row', { name: /report/ }).textContent()).toContain('shared');
    await shot(page, 'kinds');
    expect(await violations(page)).toEqual([]);
    await first.release();
    await row.getByText('1 of 5 permits').waitFor({ timeout: 5000 });
    expect(await row.textContent()).not.toContain('Export.one');
  });

  it('shows hostile keys and labels as text', async () => {
    const { url } = await start();
    const manager = other();
    await manager.acquire(HOSTILE, { label: HOSTILE });
    await manager.acquire('x'.repeat(512));
    const page = await open(url);
    const row = page.getByRole('row', { name: /onerror/ });

    expect(await row.textContent()).toContain('"><img src=x onerror=');
    expect(await row.textContent()).toContain('\\u{202e}\\u{1b}[31m');
    expect(await page.locator('table img').count()).toBe(0);
    expect(await page.title()).toBe('Locks');
    await shot(page, 'hostile');
  });

  it('searches, sorts, pauses, and shows the history of a lock, by keyboard', async () => {
    const { url } = await start();
    const [a, b] = [other(), other()];
    const lock = await a.acquire('alpha', { label: 'Alpha.run' });
    await b.acquire('beta');
    const page = await open(url);
    await page.getByRole('row', { name: /beta/ }).waitFor();
    await page.getByLabel('Search').fill('alpha.RUN');
    await page.getByRole('row', { name: /beta/ }).waitFor({ state: 'detached' });
    await page.getByLabel('Search').fill('');

    const sorted = page.getByRole('columnheader', { name: 'Key' });
    await sorted.getByRole('button').press('Enter');
    expect(await sorted.getAttribute('aria-sort')).toBe('ascending');
    expect(await page.locator('td.key').allTextContents()).toEqual(['alpha', 'beta']);

    await page.getByRole('button', { name: 'alpha', exact: true }).press('Enter');
    await page.getByRole('heading', { name: 'Last 5 minutes of alpha' }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).press('Enter');
    await lock.release();
    await b.acquire('gamma');
    await page.getByText('Paused:').waitFor();
    expect(await page.locator('td.key').allTextContents()).toEqual(['alpha', 'beta']);
    await page.getByRole('button', { name: 'Pause' }).press('Enter');
    await page.getByRole('row', { name: /gamma/ }).waitFor();
    await page.getByRole('row', { name: /alpha/ }).waitFor({ state: 'detached' });
  });

  it('releases after a question, and not without', async () => {
    const { url } = await start();
    const lock = await other().acquire('k', { label: 'Stuck.job' });
    const page = await open(url);
    const button = page.getByRole('button', { name: 'Release k' });
    await button.click();
    await page.getByRole('button', { name: 'Keep it' }).click();
    expect(lock.signal.aborted).toBe(false);
    await button.click();
    await shot(page, 'release');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
    await page.getByText('Released k.').waitFor();
    expect(lock.signal.aborted).toBe(true);
  });

  it('takes no lock from a holder that came while it asked', async () => {
    const { url } = await start();
    const stuck = await other().acquire('k', { label: 'Stuck.job' });
    const page = await open(url, { mayFail: /409/ });
    await page.getByRole('button', { name: 'Release k' }).click();
    expect(await page.getByRole('dialog').textContent()).toContain('Stuck.job');
    await stuck.release();
    const healthy = await other().acquire('k', { label: 'Healthy.job' });
    await page.getByRole('cell', { name: /Healthy.job/, includeHidden: true }).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();

    await page.getByText('The lock has other holders by now').waitFor();
    expect(healthy.signal.aborted).toBe(false);
  });

  it('says that it is cut off, whatever is done with it, and comes back when it may', async () => {
    let fault: HttpException | undefined;
    const sockets = new Set<Socket>();
    class MoodyGuard implements CanActivate {
      canActivate(context: ExecutionContext): boolean {
        sockets.add(context.switchToHttp().getRequest().socket);
        if (fault !== undefined) throw fault;
        return true;
      }
    }
    const { url } = await start('express', { guards: [new MoodyGuard()] });
    await other().acquire('k');
    const page = await open(url, { mayFail: /./ });
    await page.getByText('Live: 1 lock').waitFor();
    const status = page.getByRole('status');
    const cut = (): void => sockets.forEach((socket) => socket.destroy());

    fault = new ServiceUnavailableException();
    cut();
    await page.getByText('Connection lost. Trying again').waitFor();
    await page.getByLabel('Search').fill('k');
    await page.getByRole('columnheader', { name: 'Key' }).getByRole('button').click();
    expect(await status.textContent()).toMatch(/^Connection lost/);
    fault = new ForbiddenException();
    await page.getByText('Refused: sign in again').waitFor();
    fault = undefined;
    await page.getByText('Live: 1 lock').waitFor();
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 380],
    ['dark', 380],
  ] as const)('has no violation of accessibility, %s, %i pixels wide', async (scheme, width) => {
    const { url } = await start();
    await fill(other(), other());
    const page = await open(url, { colorScheme: scheme, viewport: { width, height: 800 } });
    await page.getByRole('button', { name: 'report:monthly', exact: true }).click();
    await page.getByRole('heading', { name: /History|Last/ }).waitFor();
    await shot(page, `${scheme}-${width}`);

    expect(await violations(page)).toEqual([]);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBeLessThanOrEqual(0);
  });

  it('stays responsive with 1000 locks and 5000 waiters', async () => {
    const { url } = await start();
    const [a, b] = [other(), other()];
    await Promise.all(Array.from({ length: 1000 }, (_, i) => a.acquire(`k${i}`, { ttl: '60s' })));
    const gone = new AbortController();
    const waiting = Array.from({ length: 5000 }, (_, i) =>
      b.acquire(`k${i % 1000}`, { wait: Infinity, signal: gone.signal }).catch(() => undefined),
    );
    const page = await open(url);
    await page.getByText('1000 locks').waitFor({ timeout: 20_000 });
    await page.getByText('5000 waiting').waitFor({ timeout: 30_000 });
    const answered = await page.evaluate(`new Promise((resolve) => {
      const startedAt = performance.now();
      const search = document.getElementById('search');
      search.value = 'k99';
      search.dispatchEvent(new Event('input'));
      requestAnimationFrame(() => resolve(performance.now() - startedAt));
    })`);
    expect(await page.locator('tbody tr').count()).toBe(11);
    expect(answered).toBeLessThan(1000);
    gone.abort();
    await Promise.all(waiting);
  });

  async function fill(a: ReturnType<typeof other>, b: ReturnType<typeof other>): Promise<void> {
    const keys = ['report:monthly', 'order:4711', 'stock:sku-7', 'mail:digest'];
    for (const key of keys) await a.acquire(key, { label: `Job.${key.split(':')[0]}`, ttl: '20s' });
    const gone = new AbortController();
    const calls = ['report:monthly', 'report:monthly', 'order:4711'].map((key) =>
      b.acquire(key, { label: 'Waiter.run', wait: Infinity, signal: gone.signal }),
    );
    afterTest(() => gone.abort());
    for (const call of calls) call.catch(() => undefined);
    await eventually(async () => expect((await a.inspect('report:monthly'))?.waiters).toBe(2));
  }
});
