import type { StoredPlace } from '../../engine/store/lock-queue.js';
import { defineScript } from './define-script.js';
import { LOCK_KEYS } from './shared.script.js';

/** So many places are shown to people. */
const SHOWN = 20;

/**
 * Tells who waits for the lock, in order. Changes nothing.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive  5 holders
 * Reply {token, ticket in µs, token, ticket, …}
 * Cost  O(log n) for n waiting processes
 */
export const queueScript = defineScript(
  'queue',
  LOCK_KEYS,
  /* lua */ `
return call('ZRANGE', queue, 0, ${SHOWN - 1}, 'WITHSCORES')
`,
);

/** Decodes the reply of queue. */
export function readQueue(reply: readonly string[]): StoredPlace[] {
  const places: StoredPlace[] = [];
  for (let i = 0; i < reply.length; i += 2)
    places.push({ token: String(reply[i]), ticket: Number(reply[i + 1]) });
  return places;
}
