import { LEAVE_FREE } from './coexist.script.js';
import { defineScript, NOBODY } from './define-script.js';
import { ADMIT, HOLDS, TELL_HOLDERS } from './holders.script.js';
import { PROMOTE } from './promote.script.js';
import { IS_TOKEN, KEEP_QUEUE, MINT, TELL, TIME } from './shared.script.js';

/**
 * Gives back each lock and hands it to the next waiters; a token without the lock leaves the queue,
 * and when it was the first there, those behind may enter, and the holders hear how many wait:
 * `wanted <n> <token> <lock>`. With the rest of a `minHold` its place stays taken by nobody: only places
 * whose time is over pass on, and the first waiter is told when to ask: `recheck <ms> <token> <lock>`.
 *
 * The first write is one that Redis allows when it is out of memory.
 *
 * KEYS  1 fence counter, then for each lock: lock, queue, alive, holders
 * ARGV  for each lock: token, what is left of its `minHold` in ms, channel prefix
 * Reply for each lock: 1 it was this token's, 0 not, or its error
 * Cost  3 commands a lock that nobody waits for; O(log n) for n waiting processes
 */
export const releaseScript = defineScript(
  'release',
  /* lua */ `
local locks, replies, others = (#KEYS - 1) / 4, {false}, nil
for i = 0, locks - 1 do
  local value = redis.pcall('GET', KEYS[i * 4 + 2])
  local plain = value == ARGV[i * 3 + 1] and ARGV[i * 3 + 2] == '0'
  if plain and call('EXISTS', KEYS[i * 4 + 3], KEYS[i * 4 + 4]) == 0 then
    replies[i + 1] = call('DEL', KEYS[i * 4 + 2])
  else
    others = others or {}
    others[#others + 1] = {i, value}
  end
end
if not others then return replies end

local counter, lock, queue, alive, holders, channel = KEYS[1], nil, nil, nil, nil, nil
`,
  TELL,
  TIME,
  IS_TOKEN,
  MINT,
  KEEP_QUEUE,
  HOLDS,
  ADMIT,
  TELL_HOLDERS,
  PROMOTE,
  LEAVE_FREE,
  /* lua */ `
local function quit(token, value)
  local rank = call('ZRANK', queue, token)
  if not rank then return 0 end
  call('ZREM', queue, token)
  call('ZREM', alive, token)
  if rank > 0 or type(value) ~= 'string' then return 0 end
  local isMarker, count, waiting = markerIn(value), nil, nil
  value, count = occupants(value)
  if isMarker then value, count, waiting = promote(nil, nil, value, count) end
  if value then tellHolders('wanted ' .. (waiting or call('ZCARD', queue)), value, count) end
  return 0
end
local function keep(token, value, ms)
  local left = ms
  if value == token then
    call('PEXPIRE', lock, ms)
    call('SET', lock, '${NOBODY}', 'PX', ms)
  else
    call('ZREM', holders, token)
    call('ZADD', holders, now + ms, '${NOBODY}' .. token)
    promote(nil, nil, settle(value))
    left = earliestEnd()
  end
  call('ZREM', alive, token)
  local head = call('ZRANGE', queue, 0, 0)[1]
  if head then
    tell(string.sub(head, 1, 16), string.format('recheck %d %s %s', left, head, lock))
  end
  return 1
end
local function release(i, value)
  local at = i * 4
  lock, queue, alive, holders = KEYS[at + 2], KEYS[at + 3], KEYS[at + 4], KEYS[at + 5]
  local token, minHoldLeft = ARGV[i * 3 + 1], tonumber(ARGV[i * 3 + 2])
  channel = ARGV[i * 3 + 3]
  if not holds(token, value) then return quit(token, value) end
  if minHoldLeft > 0 then return keep(token, value, minHoldLeft) end
  promote(nil, nil, leave(token, value))
  redis.pcall('ZREM', alive, token)
  return 1
end

if locks == 1 then return {release(0, others[1][2])} end
for _, other in ipairs(others) do
  local i, value = other[1], other[2]
  local ran, reply = pcall(release, i, value)
  replies[i + 1] = (ran or type(reply) == 'table') and reply or {err = reply}
end
return replies
`,
);
