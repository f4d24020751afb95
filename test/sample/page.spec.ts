import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';

import { AppModule } from '../../sample-app/app.module.js';
import { launchBrowser } from '../support/browser.js';
import { afterTest } from '../support/after-test.js';
import { sharedRedisUrl } from '../support/shared-redis.js';

let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
}, 120_000);

afterAll(() => browser?.close());

/** The page of a shop on the shared Redis. */
async function openPage(colorScheme: 'light' | 'dark', width = 1200): Promise<Page> {
  const imports = [AppModule.forStore(sharedRedisUrl())];
  const module = await Test.createTestingModule({ imports }).compile();
  const app = module.createNestApplication({ logger: ['fatal'], forceCloseConnections: true });
  await app.listen(0, '127.0.0.1');
  afterTest(() => app.close());
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 } });
  afterTest(() => context.close());
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}/`);
  return page;
}

async function sell(page: Page, locked: 'yes' | 'no', stock: number, buyers: number) {
  await page.getByRole('spinbutton', { name: 'Stock' }).fill(String(stock));
  await page.getByRole('spinbutton', { name: 'Buyers' }).fill(String(buyers));
  await page.locator(`button[value="${locked}"]`).click();
  const panel = page.locator(`[data-result="${locked}"]`);
  await panel.locator('strong').waitFor({ timeout: 30_000 });
  return panel;
}

describe('the page of the sample', () => {
  it('shows a sale with the lock that sells exactly the stock', async () => {
    const panel = await sell(await openPage('light'), 'yes', 5, 30);

    expect(await panel.locator('.verdict').innerText()).toContain('5 of 5 sold');
    expect(await panel.locator('.buyer.bought').count()).toBe(5);
    expect(await panel.locator('.buyer.empty').count()).toBe(25);
  }, 120_000);

  it('shows a sale without the lock that sells more, in red', async () => {
    const panel = await sell(await openPage('light'), 'no', 5, 30);

    expect(await panel.locator('.oversold-text').innerText()).toMatch(/^Oversold by [1-9]/);
    expect(await panel.locator('.buyer.oversold').count()).toBeGreaterThan(0);
  }, 120_000);

  it('has a button for each demonstration, and shows what it did', async () => {
    const page = await openPage('light');

    await page.getByRole('button', { name: 'Stream an export' }).click();

    await page.locator('#log li', { hasText: 'has sent the export' }).waitFor({ timeout: 30_000 });
  }, 120_000);

  it.each([
    { button: 'Read the catalogue', shows: 'reads the catalogue' },
    { button: 'Rebuild the catalogue', shows: 'has rebuilt the catalogue' },
    { button: 'Call the supplier', shows: 'calls the supplier' },
  ])(
    'shows what “$button” did',
    async ({ button, shows }) => {
      const page = await openPage('light');

      await page.getByRole('button', { name: button }).click();

      await page.locator('#log li', { hasText: shows }).waitFor({ timeout: 30_000 });
    },
    120_000,
  );

  it('leads to the board', async () => {
    const page = await openPage('light');

    await page.getByRole('link', { name: 'the board' }).click();

    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(page.url()).toMatch(/\/locks\/?$/);
  }, 120_000);

  it.each([
    { colorScheme: 'light', width: 1200 },
    { colorScheme: 'dark', width: 380 },
  ] as const)(
    'can be used by everybody, $colorScheme and $width pixels wide',
    async ({ colorScheme, width }) => {
      const page = await openPage(colorScheme, width);
      await sell(page, 'yes', 3, 10);

      // Not as a script of the page, whose policy refuses foreign ones.
      await page.evaluate(axe.source);
      const { violations } = await page.evaluate(() => (globalThis as any).axe.run());

      expect(violations.map(({ id }: { id: string }) => id)).toEqual([]);
      const overflow = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
      expect(overflow).toBe(false);
      const folder = process.env['SCREENSHOTS'];
      if (folder) await page.screenshot({ path: `${folder}/sale-${colorScheme}.png` });
    },
    120_000,
  );
});
