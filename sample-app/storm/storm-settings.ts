import { parseArgs } from 'node:util';
import { StartError } from '../start-error.js';

const USAGE = 'Usage: npm run storm [-- --runs <1 to 1000> --buyers <1 to 1000>]';

export interface StormSettings {
  /** How often the pair of sales, without and with the lock, is repeated. */
  readonly runs: number;
  /** How many processes buy. */
  readonly buyers: number;
}

/** @throws {StartError} An argument that is not understood. */
export function readStormSettings(args: readonly string[]): StormSettings {
  const { runs, buyers } = readArgs(args);
  return { runs: count('--runs', runs), buyers: count('--buyers', buyers) };
}

function readArgs(args: readonly string[]): { runs: string; buyers: string } {
  const options = {
    runs: { type: 'string', default: '1' },
    buyers: { type: 'string', default: '80' },
  } as const;
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n${USAGE}`);
  }
}

function count(name: string, value: string): number {
  if (/^\d{1,4}$/.test(value) && Number(value) >= 1 && Number(value) <= 1000) return Number(value);
  throw new StartError(`${name} must be a whole number from 1 to 1000, got "${value}".\n${USAGE}`);
}
