import type { LockServers } from '../servers/lock-servers.js';

/** Keys that Redis looks at in one step. */
const SCAN_COUNT = 500;

/** The application's keys under our prefix, page by page, without blocking Redis; some may come twice. */
export async function* scanLocks(
  servers: LockServers,
  match: string,
): AsyncGenerator<readonly string[]> {
  const { keys } = servers;
  for (const connection of await servers.all()) {
    let cursor = '0';
    do {
      const { reply } = await connection.send<[string, string[]]>('', (client) =>
        client.scan(cursor, 'MATCH', keys.glob(match), 'COUNT', SCAN_COUNT),
      );
      yield reply[1].filter((lock) => keys.isLock(lock)).map((lock) => keys.keyOf(lock));
      cursor = reply[0];
    } while (cursor !== '0');
  }
}
