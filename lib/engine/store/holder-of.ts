import { type LockHolder, OWN_HOST } from '../api/lock-holder.js';
import { readToken } from './token.js';

/** Reads from a token who holds a lock; another party's value tells nothing. */
export function holderOf(token: string, leaseLeftMs: number): LockHolder {
  const { label, host, pid } = readToken(token) ?? { label: '', host: '', pid: 0 };
  return { label, host, pid, leaseLeftMs, isHere: host === OWN_HOST && pid === process.pid };
}
