// @ts-check
// What an open board costs Redis with 1 000 held locks and 5 000 waiters, how its page stays at hand
// meanwhile, and how soon a lock that another process takes is seen on it, and is gone again.
import 'reflect-metadata';
import { setTimeout as sleep } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { chromium } from 'playwright-core';
import { LockBoardModule } from '../../dist/esm/board.js';
import { LockService, RedisLockModule } from '../../dist/esm/index.js';
import { withRedis } from './bench-redis.mjs';
import { percentile } from './slices.mjs';

const SECONDS = Number(process.argv[2] ?? 5);
const ROUNDS = Number(process.argv[3] ?? 5);
const PROBES = 20;
const HELD = 1000;
const WAITING = 5000;

await withRedis(async (redis, url) => {
  const [holder, waiter, other] = [1, 2, 3].map(() => new LockService({ connection: url }));
  const app = await open(url);
  const address = `${await app.getUrl()}/locks`;
  const executablePath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  const page = await browser.newPage();

  await page.goto(address);
  const { seen, gone } = await probe(page, other);
  tell('a lock of another process is on the board after', seen);
  tell('its release takes it away after', gone);

  await page.goto('about:blank');
  const held = await Promise.all(keys(HELD).map((key) => holder.acquire(key, { ttl: '10m' })));
  const leave = new AbortController();
  const options = { wait: Infinity, signal: leave.signal };
  const waits = keys(WAITING).map((key) => waiter.acquire(key, options).catch(() => {}));
  await sleep(2000);
  const added = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const closed = await loadOf(redis);
    await page.goto(address);
    await page.getByText(`${WAITING} waiting`).waitFor({ timeout: 60_000 });
    added.push((await loadOf(redis)) - closed);
    if (round === ROUNDS - 1) console.log(await handOf(page));
    await page.goto('about:blank');
    await sleep(1000);
  }
  console.log(
    `an open board, ${HELD} locks held and ${WAITING} callers waiting: Redis is busy for ` +
      `${percentile(added, 0.5).toFixed(2)} % of the time more (median of ${ROUNDS} rounds of ${SECONDS} s)`,
  );

  leave.abort();
  await Promise.all(waits);
  await Promise.all(held.map((lock) => lock.release()));
  await browser.close();
  await app.close();
  for (const service of [holder, waiter, other]) void service.shutdown();
});

/** @param {number} count */
function keys(count) {
  return Array.from({ length: count }, (_, i) => `order:${i % HELD}`);
}

/** @param {string} url */
async function open(url) {
  class App {}
  const board = LockBoardModule.forRoot({ path: 'locks', guards: 'none' });
  Module({ imports: [RedisLockModule.forRoot({ connection: url }), board] })(App);
  const app = await NestFactory.create(App, { logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

/**
 * Milliseconds until the page shows locks that are taken, and no more those that are released.
 *
 * @param {import('playwright-core').Page} page
 * @param {LockService} locks
 */
async function probe(page, locks) {
  const [seen, gone] = [[], []];
  for (let i = 0; i < PROBES; i += 1) {
    // Anywhere between two looks of the board.
    await sleep(Math.random() * 500);
    const row = page.getByText(`probe:${i}`);
    const lock = await locks.acquire(`probe:${i}`);
    let since = performance.now();
    await row.waitFor();
    seen.push(performance.now() - since);
    since = performance.now();
    await lock.release();
    await row.waitFor({ state: 'detached' });
    gone.push(performance.now() - since);
  }
  return { seen, gone };
}

/**
 * @param {string} what
 * @param {number[]} times
 */
function tell(what, times) {
  const [median, most] = [percentile(times, 0.5), Math.max(...times)].map(Math.round);
  console.log(`${what} ${median} ms (median of ${PROBES}), ${most} ms at most`);
}

/**
 * The share of the time that the server was busy, in percent.
 *
 * @param {import('ioredis').Redis} redis
 */
async function loadOf(redis) {
  const busy = async () => {
    const cpu = await redis.info('cpu');
    const [user = NaN, system = NaN] = ['user', 'sys'].map((kind) =>
      Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(cpu)?.[1]),
    );
    return user + system;
  };
  const [startedAt, before] = [performance.now(), await busy()];
  await sleep(SECONDS * 1000);
  return ((await busy()) - before) / ((performance.now() - startedAt) / 1e5);
}

/**
 * What somebody who types into the search box notices.
 *
 * @param {import('playwright-core').Page} page
 */
async function handOf(page) {
  const [typed, longest] = /** @type {[number, number]} */ (
    await page.evaluate(`new Promise((resolve) => {
      let longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
      }).observe({ entryTypes: ['longtask'] });
      const startedAt = performance.now();
      const search = document.getElementById('search');
      search.value = 'order:99';
      search.dispatchEvent(new Event('input'));
      requestAnimationFrame(() => {
        const typed = performance.now() - startedAt;
        search.value = '';
        search.dispatchEvent(new Event('input'));
        setTimeout(() => resolve([typed, longest]), 5000);
      });
    })`)
  );
  return `its page: a search is drawn after ${Math.round(typed)} ms, the longest task of 5 s took ${Math.round(longest)} ms`;
}
