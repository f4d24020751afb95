import type { StoredPlace } from '../../engine/store/lock-queue.js';
import type { StoredLock } from '../../engine/store/stored-lock.js';
import { noLock } from '../client/redis-errors.js';
import { inspectScript } from '../scripts/inspect.script.js';
import { queueScript, readQueue } from '../scripts/queue.script.js';
import { type InspectedReply, readInspected } from '../scripts/replies.js';
import { type LockServers, onLock } from '../servers/lock-servers.js';

/** Who holds the lock, and how many wait. */
export async function inspectLock(servers: LockServers, key: string): Promise<StoredLock | null> {
  const place = servers.keys.of(key);
  const command = { ...onLock(place, key), script: inspectScript, args: () => [] };
  const { reply } = await servers.run<InspectedReply>(command);
  const stored = readInspected(reply);
  // A counter never ends.
  if (stored?.token !== undefined && stored.leaseLeft === Infinity)
    if (servers.keys.isOthersCounter(place, stored.token)) throw noLock(key);
  return stored;
}

/** Who waits for the lock, in order; the first few. */
export async function queueOf(servers: LockServers, key: string): Promise<StoredPlace[]> {
  const place = servers.keys.of(key);
  const command = { ...onLock(place, key), script: queueScript, args: () => [] };
  const { reply } = await servers.run<string[]>(command);
  return readQueue(reply);
}
