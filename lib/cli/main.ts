import { textOf } from '../engine/api/error-cause.js';
import { isLockError, type LockUnavailableError } from '../engine/api/errors.js';
import { LockService } from '../nest/service/lock.service.js';
import { type CliArguments, readArguments, USAGE, UsageError } from './arguments.js';
import { inspect, list, release, type Terminal, watch } from './commands.js';
import { ask } from './question.js';
import { printable } from './terminal-text.js';

const OK = 0;
const FAILED = 1;
const WRONG_USAGE = 2;
/** As shells say it of a program that Ctrl-C ended. */
const INTERRUPTED = 130;

const terminal: Terminal = {
  isTTY: process.stdout.isTTY,
  write: (text) => void process.stdout.write(text),
  confirm: async (question) => {
    const { stdin: input, stderr: output } = process;
    return input.isTTY
      ? ask(question, { input, output }, () => process.exit(INTERRUPTED))
      : undefined;
  },
};

/** Resolves with the exit code. */
async function main(): Promise<number> {
  const args = readArguments(process.argv.slice(2), process.env);
  if (args === undefined) {
    terminal.write(USAGE);
    return OK;
  }
  const { url, prefix } = args;
  const locks = new LockService({
    connection: url,
    ...(prefix !== undefined && { keyPrefix: prefix }),
    commandTimeout: '3s',
  });
  try {
    return await run(args, locks);
  } finally {
    await locks.shutdown();
  }
}

async function run(args: CliArguments, locks: LockService): Promise<number> {
  // At once, whatever it waits for. It is how `watch` ends.
  process.once('SIGINT', () => process.exit(args.command === 'watch' ? OK : INTERRUPTED));
  const unread = new AbortController();
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Who reads has seen enough, as `head` has.
    if (error.code !== 'EPIPE') throw error;
    unread.abort();
  });
  if (args.command === 'release') return (await release(locks, args, terminal)) ? OK : FAILED;
  if (args.command === 'list') await list(locks, args, terminal);
  else if (args.command === 'inspect') await inspect(locks, args, terminal);
  else await watch(locks, args, terminal, unread.signal);
  return OK;
}

/** What went wrong, in one line. Lock errors never hold text of a URL. */
function reasonOf(error: unknown): string {
  if (isLockError(error, 'LOCK_UNAVAILABLE')) return unavailable(error as LockUnavailableError);
  if (isLockError(error, 'LOCK_CONFIG')) return error.message;
  return error instanceof Error ? error.message : textOf(error);
}

function unavailable({ nodes, reason, cause }: LockUnavailableError): string {
  const why = cause instanceof Error ? ` (${cause.message})` : '';
  return `Redis${nodes.length > 0 ? ` at ${nodes.join(', ')}` : ''} can't be used: ${reason}${why}`;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    const lines = reasonOf(error).split('\n').map(printable);
    process.stderr.write(`nestjs-redis-lock: ${lines.join('\n')}\n`);
    if (error instanceof UsageError) process.stderr.write(`\n${USAGE}`);
    process.exitCode = error instanceof UsageError ? WRONG_USAGE : FAILED;
  },
);
