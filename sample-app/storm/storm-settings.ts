import { parseArgs } from 'node:util';
import { StartError } from '../start-error.js';

/** Items on sale. */
export const STOCK = 10;

/** Fewer buyers than items can not sell the stock out. */
const FEWEST_BUYERS = STOCK;
const MOST = 1000;
const USAGE = `Usage: npm run storm [-- --runs <1 to ${MOST}> --buyers <${FEWEST_BUYERS} to ${MOST}>]`;

export interface StormSettings {
  /** How often the pair of sales, without and with the lock, is repeated. */
  readonly runs: number;
  /** How many processes buy. */
  readonly buyers: number;
}

/** @throws {StartError} An argument that is not understood. */
export function readStormSettings(args: readonly string[]): StormSettings {
  const { runs, buyers } = readArgs(args);
  return { runs: count('--runs', runs, 1), buyers: count('--buyers', buyers, FEWEST_BUYERS) };
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

function count(name: string, value: string, least: number): number {
  const number = /^\d{1,4}$/.test(value) ? Number(value) : 0;
  if (number >= least && number <= MOST) return number;
  throw new StartError(
    `${name} must be a whole number from ${least} to ${MOST}, got "${value}".\n${USAGE}`,
  );
}
