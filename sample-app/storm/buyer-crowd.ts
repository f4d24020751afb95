import { availableParallelism } from 'node:os';
import type { Answer } from '../rush/answer.js';
import { StartError } from '../start-error.js';
import { BuyerHandle } from './buyer-handle.js';
import type { BuyOrder } from './storm-messages.js';

/** More processes than this at a time only take the processors from each other. */
const STARTING_AT_ONCE = 2 * availableParallelism();

/** All buyers' processes. They stay for every sale: starting them takes much longer than buying. */
export class BuyerCrowd {
  private readonly buyers: BuyerHandle[] = [];
  private ending = false;

  /** @param progress Called after each process that is ready. */
  async start(count: number, redisUrl: string, progress: (ready: number) => void): Promise<void> {
    let ready = 0;
    const startSome = async (): Promise<void> => {
      while (this.buyers.length < count && !this.ending) {
        const buyer = BuyerHandle.start(redisUrl);
        this.buyers.push(buyer);
        await buyer.ready();
        progress(++ready);
      }
    };
    await Promise.all(Array.from({ length: STARTING_AT_ONCE }, startSome));
  }

  /**
   * Lets every buyer buy at the moment that the order names.
   *
   * @throws {StartError} The crowd was sent home meanwhile: the answers mean nothing.
   */
  async rush(order: BuyOrder): Promise<Answer[]> {
    const answers = await Promise.all(this.buyers.map((buyer) => buyer.buy(order)));
    if (this.ending) throw new StartError('The storm was ended.');
    return answers;
  }

  async end(): Promise<void> {
    this.ending = true;
    await Promise.all(this.buyers.map((buyer) => buyer.end()));
  }
}
