import type { Redis } from 'ioredis';
import { every } from '../client/every.js';
import type { ConnectionSettings } from '../client/connection-settings.js';
import type { RedisConnection } from '../client/redis-connection.js';
import { Subscription, WATCH_MS } from '../client/subscription.js';

const CHANNEL = '+switch-master';

/** Listens to one Sentinel, and asks it after each time in which it could not be heard. */
export class Sentinel {
  readonly #subscription: Subscription;
  readonly #stopWatch: () => void;
  /** What it last called the primary, as `host:port`. */
  #primary: string | undefined;

  /** @param told Who is the primary, by this Sentinel; and whether it was another one before. */
  constructor(
    client: Redis,
    settings: ConnectionSettings,
    private readonly group: string,
    private readonly told: (primary: string, isNews: boolean) => void,
  ) {
    this.#subscription = new Subscription(client, settings, CHANNEL, {
      message: (text) => this.#heard(text),
      ask: (connection) => void this.#ask(connection),
    });
    this.#stopWatch = every(settings.clock, WATCH_MS, () => this.#subscription.check());
  }

  close(): void {
    this.#stopWatch();
    this.#subscription.close();
  }

  /** `<name> <old host> <old port> <new host> <new port>`; every Sentinel says it in its turn. */
  #heard(text: string): void {
    const [group, , , host, port] = text.split(' ');
    if (group === this.group) this.#learn(`${host}:${port}`, true);
  }

  async #ask(connection: RedisConnection): Promise<void> {
    const before = this.#primary;
    const question = connection.send<readonly [string, string] | null>('', (client) =>
      client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', this.group),
    );
    const answer = await question.catch(() => undefined);
    // What was told meanwhile is newer.
    if (!answer?.reply || this.#primary !== before) return;
    const primary = answer.reply.join(':');
    if (before !== primary) this.#learn(primary, before !== undefined);
  }

  #learn(primary: string, isNews: boolean): void {
    this.#primary = primary;
    this.told(primary, isNews);
  }
}
