import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { runHttpRush } from './rush/http-rush.js';
import { resultTable } from './rush/result-table.js';
import { oversoldBy, type SaleResult } from './rush/sale-result.js';
import { ShopClient } from './rush/shop-client.js';
import { ShopCrew } from './shop/shop-crew.js';
import { runShopProcess } from './shop/shop-process.js';
import { processesFor, readSettings, type Settings, USAGE } from './settings.js';
import { exitWith } from './start-error.js';
import { findStore, type SampleStore } from './store/sample-store.js';
import { Interruption, interruption } from './interruption.js';

const BUYERS = 80;
const STOCK = 10;

/** Serves the flash sale, and shows one rush without and one with the lock. */
async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2), process.env);
  if (settings.help) return console.log(USAGE);
  const interrupted = interruption();
  const crew = new ShopCrew();
  let store: SampleStore | undefined;
  try {
    store = await Promise.race([findStore(settings), interrupted]);
    await Promise.race([run(settings, store, crew), interrupted]);
  } catch (error) {
    if (error instanceof Interruption) console.log('\nClosing the shop …');
    throw error;
  } finally {
    await crew.close();
    await store?.stop();
  }
  return undefined;
}

async function run(settings: Settings, store: SampleStore, crew: ShopCrew): Promise<void> {
  const processes = processesFor(settings, store.url);
  console.log(`Stock and locks are kept in ${store.name}.`);
  await crew.open(processes, { port: settings.port, redisUrl: store.url });
  const url = `http://127.0.0.1:${crew.port}`;
  const [unlocked, locked] = await showRushes(new ShopClient(url), processes);
  console.log(`\n${resultTable([unlocked, locked])}\n`);
  if (oversoldBy(locked) !== 0) {
    console.error(`The sale with the lock sold ${locked.orders} of ${locked.stock} items.`);
    process.exitCode = 1;
  }
  if (settings.once) return;
  console.log(invitation(url));
  await new Promise<never>(() => {});
}

/** The sku is new for each start: several instances on one Redis do not reset each other's sale. */
async function showRushes(
  shop: ShopClient,
  processes: number,
): Promise<readonly [SaleResult, SaleResult]> {
  const sku = `SHOE-${randomBytes(3).toString('hex').toUpperCase()}`;
  const rush = { sku, stock: STOCK, buyers: BUYERS };
  const where = processes === 1 ? 'one process' : `${processes} processes`;
  console.log(`${BUYERS} buyers, ${STOCK} items, sku ${sku}: ordering over HTTP from ${where} …`);
  const unlocked = await runHttpRush(shop, { ...rush, locked: false });
  const locked = await runHttpRush(shop, { ...rush, locked: true });
  return [unlocked, locked];
}

function invitation(url: string): string {
  return [
    `Serving on ${url} until Ctrl-C: open it in a browser and watch a sale. Or:`,
    `  curl -X POST ${url}/sales/shoe-42/reset -H 'content-type: application/json' -d '{"stock":10}'`,
    `  curl -X POST ${url}/sales/shoe-42/orders -H 'content-type: application/json' -d '{"buyer":"ada"}'`,
    `  curl ${url}/sales/shoe-42`,
  ].join('\n');
}

function endWith(error: unknown): never {
  if (!(error instanceof Interruption)) exitWith(error);
  console.log('Closed.');
  process.exit(error.exitCode);
}

if (cluster.isPrimary) main().catch(endWith);
else runShopProcess().catch(exitWith);
