import { hostname } from 'node:os';

/** The machine's name, as holders tell it. */
export const OWN_HOST = hostname();

/**
 * Who holds a busy lock, when last heard of. A program that is none of ours: `''`, `''`, 0.
 *
 * @example
 * locks.events.on('timeout', ({ key, holder }) => console.log(key, holder?.host, holder?.label));
 */
export interface LockHolder {
  readonly label: string;
  readonly host: string;
  readonly pid: number;
  /** What is left of its lease, in milliseconds; `Infinity`: its key never expires. */
  readonly leaseLeftMs: number;
  /** For how long it has held the lock, in milliseconds; known of this process only. */
  readonly heldMs?: number | undefined;
  /** Whether it is this very process. */
  readonly isHere: boolean;
}

/** A holder in words, for a message. */
export function describeHolder(holder: LockHolder): string {
  const { label, host, pid, leaseLeftMs, heldMs, isHere } = holder;
  const lease =
    leaseLeftMs === Infinity
      ? 'its key never expires'
      : `${Math.round(leaseLeftMs)} ms of its lease are left`;
  if (host === '') return `by a program that is not of this package; ${lease}`;
  const where = isHere ? 'in this process' : `in process ${pid} on ${host}`;
  const held = heldMs === undefined ? '' : `, for ${Math.round(heldMs)} ms`;
  return `by ${label === '' ? 'a caller without a label' : label} ${where}${held}; ${lease}`;
}

/** A holder in this process. */
export function holderHere(label: string, heldMs: number, leaseLeftMs: number): LockHolder {
  return { label, host: OWN_HOST, pid: process.pid, leaseLeftMs, heldMs, isHere: true };
}
