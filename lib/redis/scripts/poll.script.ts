import { ACQUIRED } from './acquire.script.js';
import { defineScript } from './define-script.js';
import {
  IS_TOKEN,
  KEEP_QUEUE,
  LOCK_KEYS,
  MINT,
  PROMOTE,
  REPORT,
  TELL,
  TIME,
} from './shared.script.js';

/**
 * A waiter's sign of life. Finds the lock when its grant was lost, and promotes the head of the
 * queue when the holder has gone without a release. The holder is asked whether it still is one,
 * `doubted 0 <token> <lock>`: a failover may have lost its release.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive
 * ARGV  1 token  2 not after, µs  3 callers waiting  4 channel prefix
 * Reply {µs}: too late, nothing was done; else {µs, as acquire's for one lock, with yielded -1},
 *       or {µs, {gone}}: the token has neither lock nor place
 * Cost  O(log n) for n waiting processes
 */
export const pollScript = defineScript(
  'poll',
  LOCK_KEYS,
  TIME,
  /* lua */ `
local token, channel = ARGV[1], ARGV[4]
if us > tonumber(ARGV[2]) then return {us} end
`,
  MINT,
  REPORT,
  KEEP_QUEUE,
  IS_TOKEN,
  TELL,
  PROMOTE,
  /* lua */ `
local holder = redis.call('GET', lock)
if holder == token then
  local claim = tonumber(string.sub(token, 18, 21))
  redis.call('PEXPIRE', lock, math.max(claim, redis.call('PTTL', lock)))
  local first, last = mint(tonumber(string.sub(token, 23, 26)))
  return {us, {${ACQUIRED.held}, -1, first, last, redis.call('ZCARD', queue), claim}}
end
local place = redis.call('ZSCORE', queue, token)
if not place then return {us, {${ACQUIRED.gone}}} end
keepQueue()
report(string.sub(token, 1, 16), tonumber(ARGV[3]))
if not holder then
  local head, first, last, behind, claim = promote(token)
  if head == token then return {us, {${ACQUIRED.held}, -1, first, last, behind, claim}} end
end
local left, rank = redis.call('PTTL', lock), redis.call('ZRANK', queue, token)
if holder and isToken(holder) then
  tell(string.sub(holder, 1, 16), 'doubted 0 ' .. holder .. ' ' .. lock)
end
return {us, {${ACQUIRED.queued}, -1, left, rank, tonumber(place)}}
`,
);
