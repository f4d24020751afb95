import { Redis } from 'ioredis';

const CHANNEL = '+switch-master';
/** Enough to hear of a failover, when some are down. */
const MAX_SENTINELS = 5;
const RECONNECT_MS = 500;

/**
 * Hears from Sentinel that another server has become the primary, and leaves the old one at once.
 * Sentinel itself demotes an old primary only after some ten seconds, in which it would go on
 * giving locks that the new one gives as well.
 */
export class SentinelWatch {
  readonly #watchers: readonly Redis[];
  /** Who was on the way when a switch was told, maybe to the old primary, and the new one's address. */
  readonly #onTheWay = new Map<Redis, string>();

  /** @param clients Clients of one Sentinel group; without Sentinels there is nothing to watch. */
  constructor(private readonly clients: readonly Redis[]) {
    const options = clients[0]?.options ?? {};
    const { sentinels, sentinelUsername, sentinelPassword, sentinelTLS, name } = options;
    this.#watchers = (sentinels ?? []).slice(0, MAX_SENTINELS).map(({ host, port }) => {
      const watcher = new Redis({
        host: host ?? '127.0.0.1',
        port: port ?? 26_379,
        username: sentinelUsername ?? undefined,
        password: sentinelPassword ?? undefined,
        ...(sentinelTLS === undefined ? {} : { tls: sentinelTLS }),
        autoResubscribe: false,
        disconnectTimeout: 0,
        enableReadyCheck: false,
        retryStrategy: () => RECONNECT_MS,
      });
      // The clients tell what they can't reach.
      watcher.on('error', () => undefined);
      watcher.on('ready', () => void watcher.subscribe(CHANNEL).catch(() => undefined));
      watcher.on('message', (_channel, message: string) => this.#switched(message, name));
      return watcher;
    });
    for (const client of clients) client.on('connect', () => this.#arrived(client));
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.disconnect();
  }

  /** `<name> <old host> <old port> <new host> <new port>`; every Sentinel says it in its turn. */
  #switched(message: string, name: string | undefined): void {
    const [group, , , host, port] = message.split(' ');
    if (group !== name) return;
    const primary = `${host}:${port}`;
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
  if (`${remoteAddress}:${remotePort}` !== primary) client.disconnect(true);
}
