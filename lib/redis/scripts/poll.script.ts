import { ACQUIRED } from './acquire.script.js';
import { LEAVE_FREE } from './coexist.script.js';
import { defineScript } from './define-script.js';
import { DOUBT_FIRST } from './doubt.script.js';
import { ADMIT, HOLDS, SHOWN } from './holders.script.js';
import { PROMOTE } from './promote.script.js';
import { IS_TOKEN, KEEP_QUEUE, LOCK_KEYS, MINT, REPORT, TELL, TIME } from './shared.script.js';

/**
 * A waiter's sign of life. Finds the lock when its grant was lost, and promotes the head of the
 * queue when the holder has gone without a release. The holder, or the one whose lease ends first,
 * is asked whether it still is one, `doubted 0 <token> <lock>`: a failover may have lost its release.
 * So is the first in line where it alone keeps the token out, for a sign of life.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive  5 holders
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
  HOLDS,
  ADMIT,
  SHOWN,
  PROMOTE,
  DOUBT_FIRST,
  LEAVE_FREE,
  /* lua */ `
local value, count = call('GET', lock), nil
if holds(token, value) then
  local claim = claimOf(token)
  prolong(token, claim)
  local first, last = mint(tonumber(string.sub(token, 23, 26)))
  return {us, {${ACQUIRED.held}, -1, first, last, call('ZCARD', queue), claim}}
end
local place = call('ZSCORE', queue, token)
if not place then return {us, {${ACQUIRED.gone}}} end
keepQueue()
report(token, tonumber(ARGV[3]))
value, count = occupants(value)
if not value or count then
  local behind, mine
  value, count, behind, mine = promote(token, nil, value, count)
  if mine then return {us, {${ACQUIRED.held}, -1, mine[1], mine[2], behind, mine[3]}} end
end
local pollIn = doubtFirst(token, value, count)
local left, rank = leaseLeft(token, value, count), call('ZRANK', queue, token)
local holder = count and call('ZRANGE', holders, 0, 0)[1] or value
if holder and isToken(holder) then
  tell(string.sub(holder, 1, 16), 'doubted 0 ' .. holder .. ' ' .. lock)
end
return {us, {${ACQUIRED.queued}, -1, left, rank, tonumber(place), shown(value, count), pollIn}}
`,
);
