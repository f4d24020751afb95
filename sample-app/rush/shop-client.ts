import type { Order, Sale } from '../sales/sale.js';
import { StartError } from '../start-error.js';
import type { Answer } from './answer.js';

/** The shop as its customers see it: over HTTP. */
export class ShopClient {
  /** @param url Where the shop is served, without a slash at the end. */
  constructor(private readonly url: string) {}

  async reset(sku: string, stock: number): Promise<void> {
    const response = await this.post(`/sales/${sku}/reset`, { stock });
    if (!response.ok) throw new StartError(`The sale did not begin: ${await reasonOf(response)}`);
  }

  async find(sku: string): Promise<Sale> {
    const response = await fetch(`${this.url}/sales/${sku}`);
    if (!response.ok) throw new StartError(`The sale was not found: ${await reasonOf(response)}`);
    return (await response.json()) as Sale;
  }

  /** Tries to buy one item; never throws. */
  async buy(sku: string, buyer: string, locked: boolean): Promise<Answer> {
    const askedAt = performance.now();
    const answered = await this.order(sku, buyer, locked);
    return { ...answered, waitedMs: performance.now() - askedAt };
  }

  private async order(
    sku: string,
    buyer: string,
    locked: boolean,
  ): Promise<Omit<Answer, 'waitedMs'>> {
    try {
      const path = `/sales/${sku}/orders${locked ? '' : '/unlocked'}`;
      const response = await this.post(path, { buyer });
      if (response.ok) {
        const { number, pid } = (await response.json()) as Order;
        return { outcome: 'bought', number, pid };
      }
      const reason = await reasonOf(response);
      return response.status === 409 ? { outcome: 'sold out' } : { outcome: 'failed', reason };
    } catch (error) {
      return { outcome: 'failed', reason: String(error) };
    }
  }

  private post(path: string, body: object): Promise<Response> {
    return fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }
}

async function reasonOf(response: Response): Promise<string> {
  return `${response.status} ${await response.text()}`;
}
