import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';

import { LockService } from '../../lib/index.js';
import { AppModule } from '../../sample-app/app.module.js';
import { runHttpRush } from '../../sample-app/rush/http-rush.js';
import { ShopClient } from '../../sample-app/rush/shop-client.js';
import { SalesService } from '../../sample-app/sales/sales.service.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';

const STOCK = 10;
const BUYERS = 80;

const stores = [
  { store: 'the memory of the process', redisUrl: () => undefined },
  { store: 'Redis', redisUrl: sharedRedisUrl },
];

describe.each(stores)('The flash sale with stock and locks in $store', ({ redisUrl }) => {
  let app: INestApplication;
  let shop: ShopClient;
  let sku: string;

  beforeEach(async () => {
    app = await serve(redisUrl());
    shop = new ShopClient(urlOf(app));
    sku = newSku();
  });

  afterEach(() => app.close());

  it('sells exactly the stock to 80 buyers with the lock', async () => {
    const sale = await runHttpRush(shop, { sku, stock: STOCK, buyers: BUYERS, locked: true });

    expect(sale).toMatchObject({ orders: STOCK, failures: [] });
    expect(await shop.find(sku)).toEqual({ sku, stock: STOCK, left: 0, orders: STOCK });
  });

  it('sells more than the stock without the lock', async () => {
    const sale = await runHttpRush(shop, { sku, stock: STOCK, buyers: BUYERS, locked: false });

    expect(sale.orders).toBeGreaterThan(STOCK);
  });

  it('takes two spellings of a sku as one sale and one lock', async () => {
    await shop.reset(sku.toLowerCase(), STOCK);

    const answers = await Promise.all(
      Array.from({ length: BUYERS }, (_, i) =>
        shop.buy(i % 2 === 0 ? sku : sku.toLowerCase(), `buyer-${i}`, true),
      ),
    );

    expect(answers.filter(({ outcome }) => outcome === 'bought')).toHaveLength(STOCK);
  });

  it('begins a sale anew only after the order under way', async () => {
    const locks = app.get(LockService);
    const order = await locks.acquire(`stock:${sku}`);
    const waiting = new Promise((resolve) => locks.events.once('waiting', resolve));

    const reset = app.get(SalesService).reset(sku, STOCK);
    await waiting;
    await expect(shop.find(sku)).rejects.toThrow('404');
    await order.release();

    expect(await reset).toMatchObject({ stock: STOCK });
  });
});

describe('Two instances of the flash sale on one Redis', () => {
  it('share the stock and never oversell it', async () => {
    const apps = await Promise.all([serve(sharedRedisUrl()), serve(sharedRedisUrl())]);
    const shops = apps.map((app) => new ShopClient(urlOf(app)));
    const sku = newSku();
    await shops[0]!.reset(sku, STOCK);

    await Promise.all(
      Array.from({ length: BUYERS }, (_, i) => shops[i % 2]!.buy(sku, `buyer-${i}`, true)),
    );

    expect(await shops[1]!.find(sku)).toMatchObject({ left: 0, orders: STOCK });
    await Promise.all(apps.map((app) => app.close()));
  });
});

describe('The flash sale, asked for what it does not take', () => {
  let app: INestApplication;

  beforeEach(async () => {
    app = await serve(undefined);
    await new ShopClient(urlOf(app)).reset('SHOE-42', STOCK);
  });

  afterEach(() => app.close());

  it.each([
    ['an order without a buyer', 'SHOE-42/orders', {}],
    ['an order of a nameless buyer', 'SHOE-42/orders', { buyer: '' }],
    ['an order with an unknown field', 'SHOE-42/orders', { buyer: 'ada', price: 0 }],
    ['an order of a malformed sku', 'SHOE%2042/orders', { buyer: 'ada' }],
    ['an unlocked order without a buyer', 'SHOE-42/orders/unlocked', {}],
    ['a sale of half an item', 'SHOE-42/reset', { stock: 0.5 }],
    ['a sale of less than nothing', 'SHOE-42/reset', { stock: -1 }],
  ])('answers 400 to %s', async (_, path, body) => {
    expect((await post(app, path, body)).status).toBe(400);
  });

  it('answers 404 to an order of a sku that is not on sale', async () => {
    expect((await post(app, 'BOOT-1/orders', { buyer: 'ada' })).status).toBe(404);
  });

  it('answers 409 to an order when nothing is left', async () => {
    await post(app, 'SHOE-42/reset', { stock: 0 });

    expect((await post(app, 'SHOE-42/orders', { buyer: 'ada' })).status).toBe(409);
  });
});

async function serve(redisUrl: string | undefined): Promise<INestApplication> {
  const imports = [AppModule.forStore(redisUrl)];
  const module = await Test.createTestingModule({ imports }).compile();
  const app = module.createNestApplication({ logger: ['fatal'] });
  await app.listen(0, '127.0.0.1');
  return app;
}

function urlOf(app: INestApplication): string {
  return `http://127.0.0.1:${(app.getHttpServer().address() as AddressInfo).port}`;
}

function newSku(): string {
  return uniquePrefix().replaceAll(':', '-').toUpperCase().slice(0, -1);
}

function post(app: INestApplication, path: string, body: object): Promise<Response> {
  return fetch(`${urlOf(app)}/sales/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
