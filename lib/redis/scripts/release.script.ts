import { defineScript, NOBODY } from './define-script.js';
import { IS_TOKEN, KEEP_QUEUE, MINT, PROMOTE, TELL, TIME } from './shared.script.js';

/**
 * Gives back each lock and hands it to the next waiter; a token without the lock leaves the queue,
 * and when it was the first there, the holder hears how many are left: `wanted <n> <token> <lock>`.
 * With the rest of a `minHold` the key stays locked by nobody, and the first waiter is
 * told when to ask: `recheck <ms> <token> <lock>`.
 *
 * The first write is one that Redis allows when it is out of memory.
 *
 * KEYS  1 fence counter, then for each lock: lock, queue, alive
 * ARGV  for each lock: token, what is left of its `minHold` in ms, channel prefix
 * Reply for each lock: 1 it was this token's, 0 not, or its error
 * Cost  3 commands a lock that nobody waits for; O(log n) for n waiting processes
 */
export const releaseScript = defineScript(
  'release',
  /* lua */ `
local locks, replies, others = (#KEYS - 1) / 3, {}, nil
for i = 0, locks - 1 do
  local lock = KEYS[i * 3 + 2]
  local held = redis.pcall('GET', lock) == ARGV[i * 3 + 1]
  if held and ARGV[i * 3 + 2] == '0' and redis.call('EXISTS', KEYS[i * 3 + 3], KEYS[i * 3 + 4]) == 0 then
    replies[i + 1] = redis.call('DEL', lock)
  else
    others = others or {}
    others[#others + 1] = {i, held}
  end
end
if not others then return replies end

local counter, lock, queue, alive, channel = KEYS[1], nil, nil, nil, nil
`,
  TELL,
  TIME,
  IS_TOKEN,
  MINT,
  KEEP_QUEUE,
  PROMOTE,
  /* lua */ `
local function leave(token, boot)
  local rank = redis.call('ZRANK', queue, token)
  if not rank then return end
  redis.call('ZREM', queue, token)
  redis.call('ZREM', alive, boot)
  local holder = rank == 0 and redis.pcall('GET', lock)
  if type(holder) == 'string' and isToken(holder) then
    tell(string.sub(holder, 1, 16), 'wanted ' .. redis.call('ZCARD', queue) .. ' ' .. holder .. ' ' .. lock)
  end
end
local function release(i, held)
  lock, queue, alive = KEYS[i * 3 + 2], KEYS[i * 3 + 3], KEYS[i * 3 + 4]
  local token, minHoldLeft = ARGV[i * 3 + 1], tonumber(ARGV[i * 3 + 2])
  channel = ARGV[i * 3 + 3]
  local boot = string.sub(token, 1, 16)
  if not held then
    leave(token, boot)
    return 0
  end
  if minHoldLeft > 0 then
    redis.call('PEXPIRE', lock, minHoldLeft)
    redis.call('SET', lock, '${NOBODY}', 'PX', minHoldLeft)
    redis.call('ZREM', alive, boot)
    local head = redis.call('ZRANGE', queue, 0, 0)[1]
    if head then
      tell(string.sub(head, 1, 16), string.format('recheck %d %s %s', minHoldLeft, head, lock))
    end
    return 1
  end
  promote()
  redis.pcall('ZREM', alive, boot)
  return 1
end

if locks == 1 then return {release(0, others[1][2])} end
for _, other in ipairs(others) do
  local i, held = other[1], other[2]
  local ran, reply = pcall(release, i, held)
  replies[i + 1] = (ran or type(reply) == 'table') and reply or {err = reply}
end
return replies
`,
);
