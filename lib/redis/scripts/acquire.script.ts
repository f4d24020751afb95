import { defineScript, NOBODY } from './define-script.js';
import {
  IS_TOKEN,
  KEEP_QUEUE,
  MINT,
  mintInPlace,
  PROMOTE,
  REPORT,
  TELL,
  TIME,
} from './shared.script.js';

/** First number of what acquire and poll reply for a lock. */
export const ACQUIRED = { busy: 0, held: 1, queued: 2, gone: 3 } as const;

/**
 * Takes each lock that is free and that nobody waits for. A busy one: waits in its queue, or
 * answers so. Running it again for the same token changes nothing but the length of the lease, which
 * never shrinks; after the token was released, only its first argument stops it.
 *
 * A token that yields gives up the lock in the same step; the new one is queued first, so that
 * the successor knows that somebody waits. The first to queue tells the holder that it is wanted.
 *
 * KEYS  1 fence counter, then for each lock, no lock twice: lock, queue, alive
 * ARGV  1 not after, µs; then for each lock: token, ttl in ms, fencing numbers wanted,
 *       `<token that yields, ~: none> <callers waiting, 0: do not queue> <ticket, -: a new place>
 *       <channel prefix>`; then the moment whose fencing numbers to reserve, µs (none: Redis' own)
 * Reply {µs}: too late, nothing was done; else {µs, last fence, then for each lock:}
 *       held: was free; the numbers up to the last fence are shared out among these, in order
 *       {held, yielded, first fence, last fence, queue (none: 0), lease (none: ttl)}
 *       {busy, yielded, lease left}  {queued, yielded, lease left, rank, ticket}  or its error
 *       yielded: 1 it had the lock, 0 not, -1 nobody was to yield
 * Cost  2 commands, and 2 for each free lock; O(log n) for n waiting processes
 */
export const acquireScript = defineScript(
  'acquire',
  /* lua */ `
local counter = KEYS[1]
`,
  TIME,
  /* lua */ `
if us > tonumber(ARGV[1]) then return {us} end
local locks = (#KEYS - 1) / 3
local floor = ARGV[locks * 4 + 2]
local replies, count, others = {us, us}, 0, nil
for i = 0, locks - 1 do
  local yields = string.byte(ARGV[i * 4 + 5]) ~= 126
  if not yields and redis.call('EXISTS', KEYS[i * 3 + 2], KEYS[i * 3 + 3]) == 0 then
    count = count + ARGV[i * 4 + 4]
    replies[i + 3] = ${ACQUIRED.held}
  else
    others = others or {}
    others[#others + 1] = i
  end
end
if count > 0 then
  ${mintInPlace()}
  replies[2] = last
  for i = 0, locks - 1 do
    if replies[i + 3] then
      redis.call('SET', KEYS[i * 3 + 2], ARGV[i * 4 + 2], 'PX', ARGV[i * 4 + 3])
    end
  end
end
if not others then return replies end

local lock, queue, alive, channel
`,
  MINT,
  REPORT,
  KEEP_QUEUE,
  IS_TOKEN,
  TELL,
  PROMOTE,
  /* lua */ `
local function enqueue(token, callers, ticket)
  local place = math.min(tonumber(ticket) or us, us)
  local isNew = redis.call('ZADD', queue, 'NX', place, token) == 1
  if not isNew then place = tonumber(redis.call('ZSCORE', queue, token)) end
  local waiting = redis.call('ZCARD', queue)
  keepQueue()
  report(string.sub(token, 1, 16), tonumber(callers))
  return place, waiting, isNew and place == us
end
local function rankOf(token, waiting, isLast)
  return isLast and waiting - 1 or redis.call('ZRANK', queue, token)
end
local function take(token, ttl, yielded, count)
  local first, last = mint(count, floor)
  redis.call('SET', lock, token, 'PX', ttl)
  return {${ACQUIRED.held}, yielded, first, last}
end
local function acquire(i)
  lock, queue, alive = KEYS[i * 3 + 2], KEYS[i * 3 + 3], KEYS[i * 3 + 4]
  local token, ttl, count = ARGV[i * 4 + 2], ARGV[i * 4 + 3], tonumber(ARGV[i * 4 + 4])
  local yields, callers, ticket
  yields, callers, ticket, channel = string.match(ARGV[i * 4 + 5], '^(%S+) (%d+) (%S+) (.*)$')

  local holder = redis.call('GET', lock)
  local yielded = -1
  if yields ~= '${NOBODY}' then
    yielded = holder == yields and 1 or 0
    if yielded == 1 then
      redis.call('DEL', lock)
      local place, waiting, isLast = enqueue(token, callers, ticket)
      local head, first, last, behind, claim = promote(token, waiting)
      if head == token then return {${ACQUIRED.held}, 1, first, last, behind, claim} end
      if not head then return take(token, ttl, 1, count) end
      return {${ACQUIRED.queued}, 1, claim, rankOf(token, behind, isLast), place}
    end
  end
  if holder == token then
    redis.call('PEXPIRE', lock, math.max(ttl, redis.call('PTTL', lock)))
    local first, last = mint(count, floor)
    return {${ACQUIRED.held}, yielded, first, last, redis.call('ZCARD', queue)}
  end
  if not holder then
    local head, first, last, behind, claim = promote(token)
    if head == token then return {${ACQUIRED.held}, yielded, first, last, behind, claim} end
    if not head then return take(token, ttl, yielded, count) end
    holder = head
  end
  if callers == '0' then return {${ACQUIRED.busy}, yielded, redis.call('PTTL', lock)} end
  local place, waiting, isLast = enqueue(token, callers, ticket)
  if waiting == 1 and isToken(holder) then
    tell(string.sub(holder, 1, 16), 'wanted 1 ' .. holder .. ' ' .. lock)
  end
  local left = redis.call('PTTL', lock)
  return {${ACQUIRED.queued}, yielded, left, rankOf(token, waiting, isLast), place}
end

if locks == 1 then
  replies[3] = acquire(0)
  return replies
end
for _, i in ipairs(others) do
  local ran, reply = pcall(acquire, i)
  replies[i + 3] = (ran or type(reply) == 'table') and reply or {err = reply}
end
return replies
`,
);
