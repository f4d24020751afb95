import { parseArgs } from 'node:util';
import { StartError } from './start-error.js';

const DEFAULT_PORT = 3000;

export interface Settings {
  /** 0 takes any free port. */
  readonly port: number;
  /** Where stock and locks are kept; `undefined` is the memory of this process. */
  readonly redisUrl: string | undefined;
  /** End after the table instead of serving on. */
  readonly once: boolean;
}

/** @throws {StartError} An argument or a variable that is not understood. */
export function readSettings(args: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const { once } = readArgs(args);
  return { port: readPort(env['PORT']), redisUrl: env['REDIS_URL'] || undefined, once };
}

function readArgs(args: readonly string[]): { once: boolean } {
  try {
    const { values } = parseArgs({ args: [...args], options: { once: { type: 'boolean' } } });
    return { once: values.once ?? false };
  } catch (error) {
    throw new StartError(`${(error as Error).message}\nUsage: npm start [-- --once]`);
  }
}

function readPort(value: string | undefined): number {
  if (value === undefined || value === '') return DEFAULT_PORT;
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  throw new StartError(`PORT must be a number from 0 to 65535, got ${JSON.stringify(value)}.`);
}
