import { expect, it } from '@jest/globals';

import { launchBrowser } from '../support/browser.js';
import { afterTest } from '../support/after-test.js';
import { Child } from '../support/child.js';

it('the board that is published shows a lock in a browser, without an error', async () => {
  const child = Child.start('board.mjs');
  afterTest(() => child.kill());
  const { port } = await child.next('listening');
  const browser = await launchBrowser();
  afterTest(() => browser.close());
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));

  await page.goto(`http://127.0.0.1:${String(port)}/locks`);

  await page.locator('tr', { hasText: 'order:7' }).getByText('Orders.pay').first().waitFor();
  await page.getByText(/^Live/).waitFor();
  expect(errors).toEqual([]);
}, 120_000);
