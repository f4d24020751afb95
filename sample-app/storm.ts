import { openRedis } from './open-redis.js';
import { resultTable } from './rush/result-table.js';
import { RedisStockRepository } from './sales/redis-stock.repository.js';
import { exitWith } from './start-error.js';
import { BuyerCrowd } from './storm/buyer-crowd.js';
import { Interruption, interruption } from './interruption.js';
import { Progress } from './storm/progress.js';
import { stormRedis } from './storm/storm-redis.js';
import { type StormRedis } from './store/local-redis.js';
import { runStormRush } from './storm/storm-rush.js';
import { readStormSettings, STOCK, type StormSettings } from './storm/storm-settings.js';
import { StormTally } from './storm/storm-tally.js';

/** Lets many processes storm one sale on one Redis, without and with the lock. */
async function main(): Promise<void> {
  const settings = readStormSettings(process.argv.slice(2));
  const interrupted = interruption();
  const crowd = new BuyerCrowd();
  let redis: StormRedis | undefined;
  try {
    redis = await Promise.race([stormRedis(process.env['REDIS_URL'] || undefined), interrupted]);
    const tally = await Promise.race([storm(settings, redis, crowd), interrupted]);
    console.log(`\n${resultTable(tally.results)}\n\n${tally.verdict()}`);
    process.exitCode = tally.lockedSalesWereExact ? 0 : 1;
  } finally {
    await crowd.end();
    await redis?.stop();
  }
}

async function storm(
  { runs, buyers }: StormSettings,
  redis: StormRedis,
  crowd: BuyerCrowd,
): Promise<StormTally> {
  console.log(`${buyers} processes, ${STOCK} items, stock and locks in ${redis.name}.`);
  const starting = new Progress('Buyers ready:', buyers);
  await crowd.start(buyers, redis.url, (ready) => starting.show(ready));
  const repository = new RedisStockRepository(await openRedis(redis.url));
  const tally = new StormTally();
  for (let run = 1; run <= runs; run++) {
    for (const locked of [false, true]) {
      const title = `${locked ? 'with lock' : 'without lock'}${runs > 1 ? `, run ${run}` : ''}`;
      console.log(`Selling ${title}: every process buys at the same full second …`);
      tally.add(await runStormRush(crowd, repository, { title, stock: STOCK, locked }), locked);
    }
  }
  repository.onApplicationShutdown();
  return tally;
}

main().catch((error) => {
  if (!(error instanceof Interruption)) exitWith(error);
  console.log('\nEnded.');
  process.exit(error.exitCode);
});
