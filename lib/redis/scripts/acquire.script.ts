import { defineScript } from '../redis-script.js';
import {
  IS_TOKEN,
  KEEP_QUEUE,
  LOCK_KEYS,
  MINT,
  PROMOTE,
  REPORT,
  TELL,
  TIME,
  mintInPlace,
} from './shared.script.js';

/** First number of the replies of acquire and poll. */
export const ACQUIRED = { busy: 0, held: 1, queued: 2, stale: 3, gone: 4 } as const;

/**
 * Takes the lock when it is free and nobody waits. Busy: waits in the queue, or answers so.
 * Running it again for the same token changes nothing but the length of the lease, which never
 * shrinks; after the token was released, only its third argument stops it.
 *
 * A token that yields gives up the lock in the same step; the new one is queued first, so that
 * the successor knows that somebody waits. The first to queue tells the holder that it is wanted.
 *
 * KEYS  1 lock  2 queue  3 alive  4 fence counter
 * ARGV  1 token  2 ttl, ms  3 not after, µs  4 fencing numbers wanted
 *       5 `<callers waiting, 0: do not queue> <ticket, -: a new place> <channel prefix>`
 *       6 token that yields (left out or '': none)
 *       7 the moment whose fencing numbers to reserve, µs (left out: Redis' own)
 * Reply {held, µs}: free, with the numbers up to µs
 *       {held, µs, yielded, first fence, last fence, queue (none: 0), lease (none: ttl)}
 *       {busy, µs, yielded, lease left}  {queued, µs, yielded, lease left, rank, ticket}  {stale, µs}
 *       yielded: 1 it had the lock, 0 not, -1 nobody was to yield
 * Cost  4 commands when the lock is free; O(log n) for n waiting processes
 */
export const acquireScript = defineScript(
  'acquire',
  LOCK_KEYS,
  TIME,
  /* lua */ `
if us > tonumber(ARGV[3]) then return {${ACQUIRED.stale}, us} end
local count, floor = tonumber(ARGV[4]), ARGV[7]
if not ARGV[6] and redis.call('EXISTS', lock, queue) == 0 then
  ${mintInPlace()}
  redis.call('SET', lock, ARGV[1], 'PX', ARGV[2])
  if last == us then return {${ACQUIRED.held}, us} end
  return {${ACQUIRED.held}, us, -1, first, last}
end

local token, ttl, yields = ARGV[1], ARGV[2], ARGV[6] or ''
local callers, ticket, channel = string.match(ARGV[5], '^(%d+) (%S+) (.*)$')
`,
  MINT,
  REPORT,
  KEEP_QUEUE,
  IS_TOKEN,
  TELL,
  PROMOTE,
  /* lua */ `
local function enqueue()
  local place = redis.call('ZSCORE', queue, token)
  if not place then
    place = math.min(tonumber(ticket) or us, us)
    redis.call('ZADD', queue, place, token)
  end
  keepQueue()
  report(string.sub(token, 1, 16), tonumber(callers))
  return tonumber(place)
end
local function queued(yielded, place)
  local left, rank = redis.call('PTTL', lock), redis.call('ZRANK', queue, token)
  return {${ACQUIRED.queued}, us, yielded, left, rank, place}
end

local holder = redis.call('GET', lock)
local yielded = -1
if yields ~= '' then
  yielded = holder == yields and 1 or 0
  if yielded == 1 then
    redis.call('DEL', lock)
    local place = enqueue()
    local head, first, last, behind, claim = promote(token)
    if head == token then return {${ACQUIRED.held}, us, 1, first, last, behind, claim} end
    return queued(1, place)
  end
end
if holder == token then
  redis.call('PEXPIRE', lock, math.max(ttl, redis.call('PTTL', lock)))
  local first, last = mint(count, floor)
  return {${ACQUIRED.held}, us, yielded, first, last, redis.call('ZCARD', queue)}
end
if not holder then
  local head, first, last, behind, claim = promote(token)
  if head == token then return {${ACQUIRED.held}, us, yielded, first, last, behind, claim} end
  if not head then
    local first, last = mint(count, floor)
    redis.call('SET', lock, token, 'PX', ttl)
    return {${ACQUIRED.held}, us, yielded, first, last}
  end
  holder = head
end
if callers == '0' then return {${ACQUIRED.busy}, us, yielded, redis.call('PTTL', lock)} end
local place = enqueue()
if isToken(holder) and redis.call('ZCARD', queue) == 1 then
  tell(string.sub(holder, 1, 16), 'wanted 1 ' .. holder .. ' ' .. lock)
end
return queued(yielded, place)
`,
);
