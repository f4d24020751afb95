import { randomBytes } from 'node:crypto';
import { openRedis, showUrl } from './open-redis.js';
import { runHttpRush } from './rush/http-rush.js';
import { resultTable } from './rush/result-table.js';
import type { SaleResult } from './rush/sale-result.js';
import { oversoldBy } from './rush/sale-result.js';
import { ShopClient } from './rush/shop-client.js';
import { serve } from './serve.js';
import { readSettings } from './settings.js';
import { exitWith } from './start-error.js';

const BUYERS = 80;
const STOCK = 10;

/** Serves the flash sale, and shows one rush without and one with the lock. */
async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2), process.env);
  const { redisUrl, once } = settings;
  if (redisUrl !== undefined) (await openRedis(redisUrl)).disconnect();
  console.log(`Stock and locks are kept in ${storeName(redisUrl)}.`);
  const app = await serve(settings);
  const url = `http://127.0.0.1:${app.getHttpServer().address().port}`;
  const [unlocked, locked] = await showRushes(new ShopClient(url));
  console.log(`\n${resultTable([unlocked, locked])}\n`);
  if (oversoldBy(locked) !== 0) {
    console.error(`The sale with the lock sold ${locked.orders} of ${locked.stock} items.`);
    process.exitCode = 1;
  }
  if (once) await app.close();
  else console.log(invitation(url));
}

/** The sku is new for each start: several instances on one Redis do not reset each other's sale. */
async function showRushes(shop: ShopClient): Promise<[SaleResult, SaleResult]> {
  const sku = `SHOE-${randomBytes(3).toString('hex').toUpperCase()}`;
  const rush = { sku, stock: STOCK, buyers: BUYERS };
  console.log(`${BUYERS} buyers, ${STOCK} items, sku ${sku}: ordering over HTTP …`);
  const unlocked = await runHttpRush(shop, { ...rush, locked: false });
  const locked = await runHttpRush(shop, { ...rush, locked: true });
  return [unlocked, locked];
}

function storeName(redisUrl: string | undefined): string {
  if (redisUrl !== undefined) return `Redis at ${showUrl(redisUrl)}`;
  return 'the memory of this process (set REDIS_URL to keep them in Redis)';
}

function invitation(url: string): string {
  const json = `-H 'content-type: application/json' -d`;
  return [
    `Serving on ${url} until Ctrl-C. Try:`,
    `  curl -X POST ${url}/sales/shoe-42/reset ${json} '{"stock":10}'`,
    `  curl -X POST ${url}/sales/shoe-42/orders ${json} '{"buyer":"ada"}'`,
    `  curl ${url}/sales/shoe-42`,
  ].join('\n');
}

main().catch(exitWith);
