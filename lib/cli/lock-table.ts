import type { LockInfo } from '../engine/api/lock.js';
import { printable } from './terminal-text.js';

const HEAD = ['KEY', 'KIND', 'HELD BY', 'HOST', 'PID', 'LEASE LEFT', 'WAITING'] as const;

/** Locks as lines of a table, one for each holder. */
export function lockTable(locks: readonly LockInfo[]): string {
  const rows = [HEAD, ...locks.flatMap(rowsOf)].map((row) => row.map(printable));
  const widths = HEAD.map((_, i) => rows.reduce((w, row) => Math.max(w, row[i]?.length ?? 0), 0));
  return rows
    .map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function rowsOf({ key, mode, permits, waiters, holders }: LockInfo): string[][] {
  const kind = permits > 1 ? `${holders.length} of ${permits} permits` : mode;
  if (holders.length === 0) return [[key, kind, 'nobody: minHold', '', '', '', String(waiters)]];
  return holders.map(({ label, host, pid, ttlMs }, i) => {
    const foreign = pid === 0;
    const who = foreign ? 'another library' : label;
    return [
      ...(i === 0 ? [key, kind] : ['', '']),
      ...[who, host, foreign ? '' : String(pid), duration(ttlMs)],
      i === 0 ? String(waiters) : '',
    ];
  });
}

function duration(ms: number): string {
  return ms === Infinity ? 'for ever' : `${(ms / 1000).toFixed(1)} s`;
}
