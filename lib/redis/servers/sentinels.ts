import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import { applyNatMap, ownOptions } from '../client/client-options.js';
import type { ConnectionSettings } from '../client/connection-settings.js';
import { Sentinel } from './sentinel.js';

/** Enough to hear of a failover, when some are down. */
const MAX_SENTINELS = 5;

/**
 * Hears from Sentinel that another server has become the primary, and leaves the old one at once.
 * Sentinel itself demotes an old primary only after some ten seconds, in which it would go on
 * giving locks that the new one gives as well.
 */
export class Sentinels {
  readonly #watchers: readonly Sentinel[];
  /** Who was on the way when a switch was told, maybe to the old primary, and the new one's address. */
  readonly #onTheWay = new Map<Redis, string>();

  /** @param clients Clients of one Sentinel group; without Sentinels there is nothing to watch. */
  constructor(
    private readonly clients: readonly Redis[],
    settings: ConnectionSettings,
  ) {
    const options = clients[0]?.options ?? {};
    const { sentinels, sentinelUsername, sentinelPassword, sentinelTLS, name, natMap } = options;
    this.#watchers = (sentinels ?? []).slice(0, MAX_SENTINELS).map(({ host, port }) => {
      const client = new Redis({
        ...ownOptions(settings.commandTimeout),
        host: host ?? '127.0.0.1',
        port: port ?? 26_379,
        username: sentinelUsername ?? undefined,
        password: sentinelPassword ?? undefined,
        ...(sentinelTLS === undefined ? {} : { tls: sentinelTLS }),
        enableReadyCheck: false,
      });
      return new Sentinel(client, settings, name ?? '', (primary, isNews) =>
        this.#told(applyNatMap(primary, natMap), isNews),
      );
    });
    for (const client of clients) client.on('connect', () => this.#arrived(client));
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  #told(primary: string, isNews: boolean): void {
    // Whether a client is at a server that has a name can't be seen: it leaves when that is news.
    if (!isNews && isIP(primary.slice(0, primary.lastIndexOf(':'))) === 0) return;
    for (const client of this.clients) {
      // A client that is told to leave before it has arrived never connects again.
      if (client.status === 'connect' || client.status === 'ready') leaveUnlessAt(primary, client);
      else this.#onTheWay.set(client, primary);
    }
  }

  #arrived(client: Redis): void {
    const primary = this.#onTheWay.get(client);
    this.#onTheWay.delete(client);
    if (primary !== undefined) leaveUnlessAt(primary, client);
  }
}

function leaveUnlessAt(primary: string, client: Redis): void {
  const { remoteAddress, remotePort } = client.stream;
  if (`${remoteAddress}:${remotePort}` !== primary) client.stream.destroy();
}
