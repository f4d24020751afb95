import { NestFactory } from '@nestjs/core';
import { exitWith, StartError } from '../start-error.js';
import { Buyer } from './buyer.js';
import { BuyerModule } from './buyer.module.js';
import type { BuyerReport, BuyOrder } from './storm-messages.js';

/** Entry of a buyer's process: buys whenever the parent says so, until it is ended. */
async function main(): Promise<void> {
  const redisUrl = process.env['REDIS_URL'];
  if (redisUrl === undefined || process.send === undefined) {
    throw new StartError('This is a part of the storm. Run: npm run storm');
  }
  endWithParent();
  const app = await NestFactory.createApplicationContext(BuyerModule.forStore(redisUrl), {
    abortOnError: false,
    logger: ['fatal'],
  });
  app.enableShutdownHooks(['SIGTERM']);
  const buyer = app.get(Buyer);
  await buyer.warmUp();
  process.on('message', (order: BuyOrder) => {
    void buyer.buy(order).then((answer) => report({ kind: 'answer', answer }));
  });
  report({ kind: 'ready' });
}

/** Ctrl-C reaches every process of the terminal: the parent is the one that ends the others. */
function endWithParent(): void {
  process.on('SIGINT', () => {});
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

function report(message: BuyerReport): void {
  if (process.connected) process.send?.(message);
}

main().catch(exitWith);
