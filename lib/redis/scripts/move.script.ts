import type { MoveReply } from '../../engine/store/move.js';
import type { Answer } from '../client/redis-connection.js';
import { ACQUIRED } from './acquire.script.js';
import { defineScript } from './define-script.js';
import { ADMIT, HOLDS } from './holders.script.js';
import { LOCK_KEYS, TIME } from './shared.script.js';

/**
 * Puts a token in the place of the one that holds the lock, or beside it. The lease never gets shorter.
 * Running it again changes nothing but that: the second time the new token is found to hold the lock. The first write is
 * one that Redis allows when it is out of memory.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive  5 holders
 * ARGV  1 token that holds the lock  2 token that holds it then  3 ttl in ms  4 not after, µs
 *       5 whether the first goes on holding it, 1 or 0
 * Reply {µs}: too late, nothing was done; else {µs, {held, queue, lease left before (none: it was done
 *       already)}}, or {µs, {gone}}: neither holds the lock
 * Cost  O(log n) for n holders
 */
export const moveScript = defineScript(
  'move',
  LOCK_KEYS,
  TIME,
  HOLDS,
  ADMIT,
  /* lua */ `
local from, to, ttl, stays = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[5] == '1'
if us > tonumber(ARGV[4]) then return {us} end
local value, waiting = call('GET', lock), call('ZCARD', queue)
if holds(to, value) then
  prolong(to, ttl)
  return {us, {${ACQUIRED.held}, waiting}}
end
if not holds(from, value) then return {us, {${ACQUIRED.gone}}} end
local left
if value == from then
  left = call('PTTL', lock)
  call('PEXPIRE', lock, math.max(ttl, left))
else
  left = call('ZSCORE', holders, from) - now
end
admit(to, math.max(ttl, left), value)
if stays then return {us, {${ACQUIRED.held}, waiting, left}} end
if value ~= from then call('ZREM', holders, from) end
redis.pcall('ZREM', alive, from)
return {us, {${ACQUIRED.held}, waiting, left}}
`,
);

/** Redis' time in µs, and the outcome; the time alone: too late. */
export type MovedReply = readonly [us: number, outcome?: readonly number[]];

/** Decodes the reply of move. */
export function readMoved({ reply, sentAt }: Answer<MovedReply>): MoveReply {
  const [, outcome] = reply;
  if (outcome === undefined) return { kind: 'stale', sentAt };
  const [kind, queue = 0, leaseLeft] = outcome;
  return kind === ACQUIRED.held
    ? { kind: 'held', sentAt, queue, leaseLeft }
    : { kind: 'lost', sentAt };
}
