import { LEAVE_FREE } from './coexist.script.js';
import { defineScript, NOBODY } from './define-script.js';
import { DOUBT_FIRST } from './doubt.script.js';
import { ADMIT, HOLDS, SHOWN, TELL_HOLDERS } from './holders.script.js';
import { PROMOTE } from './promote.script.js';
import { IS_TOKEN, KEEP_QUEUE, MINT, mintInPlace, REPORT, TELL, TIME } from './shared.script.js';

/** First number of what acquire and poll reply for a lock. */
export const ACQUIRED = { busy: 0, held: 1, queued: 2, gone: 3, conflict: 4 } as const;

/**
 * Takes each lock that is free, or has room, and that nobody waits for. A busy one: waits in its
 * queue, or answers so. Running it again for the same token changes nothing but the length of the
 * lease, which never shrinks; after the token was released, only its first argument stops it.
 *
 * A token that yields gives up the lock in the same step; the new one is queued first, so that
 * the successor knows that somebody waits. The first to queue tells the holder that it is wanted;
 * those who hold it beside each other hear of every newcomer: not all of them may hear of the first.
 *
 * KEYS  1 fence counter, then for each lock, no exclusive one twice: lock, queue, alive, holders
 * ARGV  1 not after, µs; then for each lock: token, ttl in ms, fencing numbers wanted,
 *       `<token that yields, ~: none> <callers waiting, 0: do not queue> <ticket, -: a new place>
 *       <channel prefix>`; then the moment whose fencing numbers to reserve, µs (none: Redis' own)
 * Reply {µs}: too late, nothing was done; else {µs, last fence, then for each lock:}
 *       held: was free; the numbers up to the last fence are shared out among these, in order
 *       {held, yielded, first fence, last fence, queue (none: 0), lease (none: ttl)}
 *       {busy, yielded, lease left, holder}
 *       {queued, yielded, lease left, rank, ticket, holder, ms until to poll (none: the lease left)}
 *       holder: its token, ~: nobody while a minHold runs on, empty: another party's
 *       {conflict, yielded, capacity of the others}: theirs and its own never get along
 *       or its error; yielded: 1 it had the lock, 0 not, -1 nobody was to yield
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
local byte = string.byte
local locks = (#KEYS - 1) / 4
local floor = ARGV[locks * 4 + 2]
-- The place of the first lock's reply is there from the start: it costs less than to grow the table.
local replies, count, others = {us, us, false}, 0, nil
for i = 0, locks - 1 do
  local plain = byte(ARGV[i * 4 + 5]) == 126 and byte(ARGV[i * 4 + 2], 28) ~= 67
  if plain and call('EXISTS', KEYS[i * 4 + 2], KEYS[i * 4 + 3]) == 0 then
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
      -- With GET it replies nothing, where Redis makes a table of an OK.
      call('SET', KEYS[i * 4 + 2], ARGV[i * 4 + 2], 'PX', ARGV[i * 4 + 3], 'GET')
    end
  end
end
if not others then return replies end

local lock, queue, alive, holders, channel
-- A function inside another one gets at that one's variables at once: here Lua would look through all that are in use.
local function contend()
`,
  MINT,
  REPORT,
  KEEP_QUEUE,
  IS_TOKEN,
  TELL,
  HOLDS,
  ADMIT,
  SHOWN,
  TELL_HOLDERS,
  PROMOTE,
  DOUBT_FIRST,
  LEAVE_FREE,
  /* lua */ `
local function enqueue(token, callers, ticket)
  local place = math.min(tonumber(ticket) or us, us)
  local isNew = call('ZADD', queue, 'NX', exact(place), token) == 1
  local waiting = call('ZCARD', queue)
  if not isNew then
    place = tonumber(call('ZSCORE', queue, token))
  elseif waiting > 1 and place == us and call('ZRANK', queue, token) < waiting - 1 then
    -- Redis' clock has stepped back since the others came.
    local last = call('ZRANGE', queue, -1, -1, 'WITHSCORES')
    place = math.min(tonumber(ticket) or math.huge, last[2] + 1)
    call('ZADD', queue, 'XX', place, token)
  end
  keepQueue()
  report(token, tonumber(callers))
  return place, waiting, isNew, isNew and not tonumber(ticket)
end
local function rankOf(token, waiting, isLast)
  return isLast and waiting - 1 or call('ZRANK', queue, token)
end
local function yieldTo(token, yields, callers, ticket, value)
  local count, behind, mine
  call('ZREM', alive, yields)
  value, count = leave(yields, value)
  local place, waiting, _, isLast = enqueue(token, callers, ticket)
  value, count, behind, mine = promote(token, waiting, value, count)
  if mine then return {${ACQUIRED.held}, 1, mine[1], mine[2], behind, mine[3]} end
  local left = value and not count and claimOf(value) or leaseLeft(token, value, count)
  -- Whoever got it stood in the queue: a token of ours, or one of several.
  local holder = count and shown(value, count) or value
  return {${ACQUIRED.queued}, 1, left, rankOf(token, behind, isLast), place, holder}
end
local function acquire(i)
  local at = i * 4
  lock, queue, alive, holders = KEYS[at + 2], KEYS[at + 3], KEYS[at + 4], KEYS[at + 5]
  local token, ttl, fences = ARGV[at + 2], ARGV[at + 3], tonumber(ARGV[at + 4])
  local yields, callers, ticket
  yields, callers, ticket, channel = string.match(ARGV[at + 5], '^(%S+) (%d+) (%S+) (.*)$')

  local value, count = call('GET', lock), nil
  local yielded = -1
  if yields ~= '${NOBODY}' then
    if holds(yields, value) then return yieldTo(token, yields, callers, ticket, value) end
    yielded = 0
  end
  if holds(token, value) then
    prolong(token, ttl)
    local first, last = mint(fences, floor)
    return {${ACQUIRED.held}, yielded, first, last, call('ZCARD', queue)}
  end
  value, count = occupants(value)
  if admits(token, value, count) then
    local behind, mine = call('ZCARD', queue), nil
    if behind > 0 then value, count, behind, mine = promote(token, behind, value, count) end
    if mine then return {${ACQUIRED.held}, yielded, mine[1], mine[2], behind, mine[3]} end
    if behind == 0 and admits(token, value, count) then
      local first, last = mint(fences, floor)
      admit(token, ttl, value)
      return {${ACQUIRED.held}, yielded, first, last}
    end
  end
  local theirs = conflict(token, value)
  if theirs then return {${ACQUIRED.conflict}, yielded, theirs} end
  local pollIn = doubtFirst(token, value, count)
  local left = leaseLeft(token, value, count)
  if callers == '0' then return {${ACQUIRED.busy}, yielded, left, shown(value, count)} end
  local place, waiting, isNew, isLast = enqueue(token, callers, ticket)
  if waiting == 1 or count and isNew then
    tellHolders('wanted ' .. waiting, value, count)
  end
  local rank = rankOf(token, waiting, isLast)
  return {${ACQUIRED.queued}, yielded, left, rank, place, shown(value, count), pollIn}
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

end
return contend()
`,
);
