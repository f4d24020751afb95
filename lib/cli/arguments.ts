import { parseArgs } from 'node:util';
import { readUrl } from '../redis/connection/connection-url.js';

/** What the command line asks for. */
export interface CliArguments {
  readonly command: 'list' | 'inspect' | 'release' | 'watch';
  /** Of `inspect` and `release`. */
  readonly key: string;
  readonly url: string;
  readonly prefix: string | undefined;
  readonly json: boolean;
  /** Release without asking. */
  readonly yes: boolean;
}

/** How the command is used. */
export const USAGE = `Shows and releases the locks in a Redis.

Usage: nestjs-redis-lock <command> [options]

  list             every lock that is held
  inspect <key>    who holds one lock, and how many wait for it
  release <key>    takes the lock from its holder, after a question; --yes asks none
  watch            the list, again each second, until Ctrl-C

  --url <url>      redis://, rediss:// or the path of a socket; else REDIS_URL
  --prefix <text>  the keyPrefix of the application (lock:)
  --json           for programs: one line of JSON
  --help           this text
`;

const OPTIONS = {
  url: { type: 'string' },
  prefix: { type: 'string' },
  json: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const KEYS_OF_COMMAND = { list: 0, inspect: 1, release: 1, watch: 0 } as const;

/** The command line is wrong; the message says how. */
export class UsageError extends Error {}

/**
 * Reads the command line; `undefined` when it asks for help.
 *
 * @throws {UsageError}
 */
export function readArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): CliArguments | undefined {
  const { values, positionals } = parse(args);
  if (values.help) return undefined;
  const [command = '', ...keys] = positionals;
  if (!isCommand(command)) {
    throw new UsageError(command === '' ? 'a command is missing.' : `"${command}" is no command.`);
  }
  if (keys.length !== KEYS_OF_COMMAND[command]) {
    throw new UsageError(`${command} takes ${KEYS_OF_COMMAND[command]} keys, got ${keys.length}.`);
  }
  const url = checkedUrl(values.url ?? env['REDIS_URL'], values.url === undefined);
  const { prefix, json, yes } = values;
  return { command, key: keys[0] ?? '', url, prefix, json, yes };
}

/** The module takes more forms of it, which a terminal can't give or has no use for. */
function checkedUrl(url: string | undefined, isOfEnv: boolean): string {
  if (url === undefined || url === '')
    throw new UsageError('where Redis is, is missing: give --url, or set REDIS_URL.');
  const { fault } = readUrl(url);
  if (fault === undefined) return url;
  const what = fault || 'must be a redis:// or rediss:// URL, or the path of a unix socket.';
  throw new UsageError(`${isOfEnv ? 'REDIS_URL' : '--url'} ${what}`);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function isCommand(text: string): text is CliArguments['command'] {
  return Object.hasOwn(KEYS_OF_COMMAND, text);
}
