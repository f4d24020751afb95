import { setTimeout as sleep } from 'node:timers/promises';
import type { LockInfo } from '../engine/api/lock.js';
import type { LockService } from '../nest/service/lock.service.js';
import { markOf, releaseHeld, type ReleaseOutcome } from '../nest/service/release-held.js';
import type { CliArguments } from './arguments.js';
import { lockTable } from './lock-table.js';
import { printable, printableJson } from './terminal-text.js';

const WATCH_MS = 1000;
const CLEAR_SCREEN = '\x1b[2J\x1b[H';

/** Where a command writes to, and how it asks. */
export interface Terminal {
  /** Whether a person looks at it. */
  readonly isTTY: boolean;
  write(text: string): void;
  /** `undefined` when nobody can be asked. */
  confirm(question: string): Promise<boolean | undefined>;
}

/** Prints every lock. */
export async function list(
  locks: LockService,
  { json }: CliArguments,
  terminal: Terminal,
): Promise<void> {
  const found = await all(locks);
  terminal.write(json ? `${printableJson(found)}\n` : table(found));
}

/** Prints one lock, or that it is free. */
export async function inspect(
  locks: LockService,
  { key, json }: CliArguments,
  terminal: Terminal,
): Promise<void> {
  const info = await locks.inspect(key);
  if (json) terminal.write(`${printableJson(info)}\n`);
  else terminal.write(info === null ? `${quoted(key)} is free.\n` : lockTable([info]));
}

/** Prints the list again and again, until `signal` says that nobody reads it. */
export async function watch(
  locks: LockService,
  args: CliArguments,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const found = await all(locks);
    const clear = terminal.isTTY && !args.json ? CLEAR_SCREEN : '';
    terminal.write(clear + (args.json ? `${printableJson(found)}\n` : table(found)));
    await sleep(WATCH_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Takes a lock from its holder; returns whether it did. */
export async function release(
  locks: LockService,
  args: CliArguments,
  terminal: Terminal,
): Promise<boolean> {
  const { key, json } = args;
  const outcome = await releaseIfMeant(locks, args, terminal);
  if (outcome === 'unwanted') return false;
  const released = outcome === 'released';
  if (json) terminal.write(`${printableJson({ key, released })}\n`);
  else terminal.write(`${quoted(key)} ${OUTCOMES[outcome]}\n`);
  return released;
}

const OUTCOMES: Readonly<Record<ReleaseOutcome, string>> = {
  released: 'is released.',
  free: 'is free.',
  'other-holders': 'has other holders by now, and stays as it is.',
  foreign: 'is held by another library, and stays as it is.',
};

async function releaseIfMeant(
  locks: LockService,
  { key, yes }: CliArguments,
  terminal: Terminal,
): Promise<ReleaseOutcome | 'unwanted'> {
  if (yes) return releaseHeld(locks, key);
  const info = await locks.inspect(key);
  if (info === null) return 'free';
  const question = `${lockTable([info])}Its holder goes on, and may write beside the next one. Release it? [y/N] `;
  const answer = await terminal.confirm(question);
  if (answer === undefined) throw new Error('nobody can be asked here: give --yes.');
  return answer ? releaseHeld(locks, key, markOf(info.holders)) : 'unwanted';
}

async function all(locks: LockService): Promise<LockInfo[]> {
  const found: LockInfo[] = [];
  for await (const info of locks.list()) found.push(info);
  return found.sort((one, other) => (one.key < other.key ? -1 : 1));
}

function table(found: readonly LockInfo[]): string {
  return found.length === 0 ? 'No lock is held.\n' : lockTable(found);
}

function quoted(key: string): string {
  return printable(JSON.stringify(key));
}
