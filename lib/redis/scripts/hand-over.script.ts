import { defineScript } from '../redis-script.js';
import { KEEP_QUEUE, LOCK_KEYS, MINT, PROMOTE, TELL, TIME } from './shared.script.js';

/** What the script replies. */
export const HANDED_OVER = { nothing: 0, freed: 1, handed: 2 } as const;

/**
 * Gives the lock up for good, at all nodes of a quorum, and hands it to the next waiter, which is
 * told by whom: the votes of the other nodes pass to it. Does nothing where nobody waits.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive
 * ARGV  1 token  2 channel prefix
 * Reply handed; freed: all who waited are dead; nothing: nobody waits, or it was not this token's
 * Cost  O(log n) for n waiting processes
 */
export const handOverScript = defineScript(
  'hand-over',
  LOCK_KEYS,
  TIME,
  MINT,
  KEEP_QUEUE,
  /* lua */ `
local token, channel = ARGV[1], ARGV[2]
`,
  TELL,
  PROMOTE,
  /* lua */ `
local waiting = redis.call('ZCARD', queue)
if waiting == 0 or redis.call('GET', lock) ~= token then return ${HANDED_OVER.nothing} end
local head = promote(nil, waiting, token)
redis.pcall('ZREM', alive, string.sub(token, 1, 16))
return head and ${HANDED_OVER.handed} or ${HANDED_OVER.freed}
`,
);
