import { LockUnavailableError } from '../../engine/api/errors.js';
import type { Answer, RedisConnection } from '../client/redis-connection.js';
import { grantsLock } from '../scripts/replies.js';
import type { Replicas } from './replicas.check.js';

/**
 * Runs a script that may grant the lock; a grant counts once enough replicas have it. `WAIT` covers
 * what its own connection has written, and holds up all behind it: so grants have one of their own.
 *
 * @throws {LockUnavailableError} Too few have it. Whoever asked gives the token back.
 */
export async function runReplicated<T>(
  connection: RedisConnection,
  key: string,
  { count, timeout }: Replicas,
  run: () => Promise<Answer<T>>,
): Promise<Answer<T>> {
  const { epoch } = connection;
  const answer = await run();
  if (!grantsLock(answer.reply)) return answer;
  const { reply } = await connection.send<number>(key, (client) => client.wait(count, timeout));
  // A new connection has written nothing yet, and would count every replica there is.
  const isCut = connection.epoch !== epoch;
  if (reply >= count && !isCut) return answer;
  const why = isCut
    ? 'The connection was cut before the replicas had confirmed the grant.'
    : `${reply} of ${count} replicas confirmed the grant within ${timeout} ms.`;
  throw new LockUnavailableError([key], why, undefined, [connection.node]);
}
