import { parseArgs } from 'node:util';
import { StartError } from './start-error.js';

const DEFAULT_PORT = 3000;
const DEFAULT_PROCESSES = 4;
const MAX_PROCESSES = 32;

export const USAGE = `Usage: npm start [-- options]

  --processes N  so many processes share the sale, 1 to ${MAX_PROCESSES}; ${DEFAULT_PROCESSES} on a Redis, always 1 in memory
  --memory       keeps stock and locks in the memory of one process, whatever Redis there is
  --once         ends after the two sales; exit code 1 when the one with the lock sold anything but the stock
  --help         shows this

  PORT       another port than ${DEFAULT_PORT}; 0 takes any that is free
  REDIS_URL  the Redis to use; without it one on 127.0.0.1:6379, else a redis-server on PATH is started`;

export interface Settings {
  /** 0 takes any free port. */
  readonly port: number;
  /** Where stock and locks are kept; `undefined`: what is found. */
  readonly redisUrl: string | undefined;
  /** Keep them in the memory of this process. */
  readonly memory: boolean;
  /** How many processes share the sale; `undefined`: as many as the store allows. */
  readonly processes: number | undefined;
  /** End after the table instead of serving on. */
  readonly once: boolean;
  /** Show {@link USAGE}, and nothing else. */
  readonly help: boolean;
}

/** @throws {StartError} An argument or a variable that is not understood. */
export function readSettings(args: readonly string[], env: NodeJS.ProcessEnv): Settings {
  const { once = false, memory = false, help = false, processes } = readArgs(args);
  return {
    port: readPort(env['PORT']),
    redisUrl: env['REDIS_URL'] || undefined,
    memory,
    processes: processes === undefined ? undefined : readProcesses(processes, memory),
    once,
    help,
  };
}

/** How many processes to start. */
export function processesFor({ processes }: Settings, redisUrl: string | undefined): number {
  return redisUrl === undefined ? 1 : (processes ?? DEFAULT_PROCESSES);
}

function readArgs(args: readonly string[]) {
  const flag = { type: 'boolean' } as const;
  const options = { once: flag, memory: flag, help: flag, processes: { type: 'string' } } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n${USAGE}`);
  }
}

function readProcesses(value: string, memory: boolean): number {
  const processes = /^\d{1,2}$/.test(value) ? Number(value) : 0;
  if (processes < 1 || processes > MAX_PROCESSES) {
    const got = JSON.stringify(value);
    throw new StartError(`--processes must be a number from 1 to ${MAX_PROCESSES}, got ${got}.`);
  }
  if (memory && processes > 1) {
    throw new StartError('--processes needs a Redis that they share; leave out --memory.');
  }
  return processes;
}

function readPort(value: string | undefined): number {
  if (value === undefined || value === '') return DEFAULT_PORT;
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  throw new StartError(`PORT must be a number from 0 to 65535, got ${JSON.stringify(value)}.`);
}
