import { LockUnavailableError } from '../../engine/api/errors.js';
import { OptionReader } from '../../engine/api/option-reader.js';
import type { Answer, RedisConnection } from '../client/redis-connection.js';
import { grantsLock } from '../scripts/replies.js';

/** How many replicas must have a grant before it counts, and how long that may take. */
export interface Replicas {
  readonly count: number;
  /** Milliseconds. */
  readonly timeout: number;
}

const MAX_TIMEOUT_MS = Number.MAX_SAFE_INTEGER;

/**
 * Reads the option `replicas`; what is wrong with it is added to `problems`.
 *
 * @param commandTimeout The default of `timeout`.
 */
export function readReplicas(
  option: unknown,
  commandTimeout: number,
  problems: string[],
): Replicas | undefined {
  if (option === undefined) return undefined;
  const reader = new OptionReader(option);
  reader.only(['count', 'timeout']);
  const { count } = Object(option) as { count?: unknown };
  if (count === undefined) reader.problems.push('count is required, 1 to 100.');
  const replicas = {
    count: reader.integer('count', 1, 1, 100),
    // WAIT takes whole ones.
    timeout: Math.ceil(reader.duration('timeout', commandTimeout, 1, MAX_TIMEOUT_MS)),
  };
  problems.push(...reader.problems.map((problem) => `replicas: ${problem}`));
  return replicas;
}

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
