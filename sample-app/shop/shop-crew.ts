import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { StartError } from '../start-error.js';
import type { ShopOptions } from './serve.js';
import type { ShopMessage } from './shop-process.js';

/** The processes that serve one shop on one port: requests are dealt out between them in turn. */
export class ShopCrew {
  private readonly workers: Worker[] = [];
  port = 0;

  /** @throws {StartError} A process could not open the shop. */
  async open(processes: number, options: ShopOptions): Promise<void> {
    // Asked for port 0, all of them get the one that the first has got.
    for (let i = 0; i < processes; i += 1) this.port = await this.start(options);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.filter((worker) => !worker.isDead()).map(end));
  }

  private async start(options: ShopOptions): Promise<number> {
    const worker = cluster.fork({ SHOP_OPTIONS: JSON.stringify(options) });
    this.workers.push(worker);
    const exited = once(worker, 'exit').then(() => {
      throw new StartError('A process of the shop ended before it had opened.');
    });
    const opened = once(worker, 'message').then(([first]) => {
      const message = first as ShopMessage;
      if (message.kind === 'failed') throw new StartError(message.message);
      return message.port;
    });
    exited.catch(() => {});
    return Promise.race([opened, exited]);
  }
}

async function end(worker: Worker): Promise<void> {
  const exited = once(worker, 'exit');
  worker.process.kill('SIGTERM');
  await exited;
}
