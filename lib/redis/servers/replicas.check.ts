import { OptionReader } from '../../engine/api/option-reader.js';

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
