import { getMaxListeners, setMaxListeners } from 'node:events';
import type { StopSignal } from '../api/lock-options.js';

/**
 * Calls `onAbort` when the signal aborts. Any number of waits may share one signal: ours do not count
 * towards its limit of listeners, beyond which Node warns of a leak.
 *
 * @returns Takes the listener off; to be called once.
 */
export function listenForAbort(signal: StopSignal, onAbort: () => void): () => void {
  raiseLimit(signal, 1);
  signal.addEventListener('abort', onAbort, { once: true });
  return () => {
    signal.removeEventListener('abort', onAbort);
    raiseLimit(signal, -1);
  };
}

function raiseLimit(signal: StopSignal, by: number): void {
  if (!(signal instanceof AbortSignal)) return;
  const limit = getMaxListeners(signal);
  // 0 means that there is none.
  if (limit > 0) setMaxListeners(limit + by, signal);
}
