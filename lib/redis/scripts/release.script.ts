import { defineScript } from '../redis-script.js';
import { KEEP_QUEUE, LOCK_KEYS, MINT, PROMOTE, TELL, TIME } from './shared.script.js';

/**
 * Gives back the lock and hands it to the next waiter; a token without the lock leaves the queue.
 * With a dwell (the rest of a `minHold`) the key stays locked by nobody, and the first waiter is
 * told when to ask: `recheck <ms> <token> <lock>`.
 *
 * KEYS  1 lock  2 queue  3 alive  4 fence counter
 * ARGV  1 token  2 dwell, ms  3 channel prefix
 * Reply 1 the lock was this token's, 0 not
 * Cost  3 commands when nobody waits; O(log n) for n waiting processes
 */
export const releaseScript = defineScript(
  'release',
  LOCK_KEYS,
  /* lua */ `
local held = redis.pcall('GET', lock) == ARGV[1]
if held and ARGV[2] == '0' and redis.call('EXISTS', queue, alive) == 0 then
  return redis.call('DEL', lock)
end

local token, dwell, channel = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local boot = string.sub(token, 1, 16)
`,
  TELL,
  /* lua */ `
if not held then
  if redis.call('ZREM', queue, token) == 1 then redis.call('ZREM', alive, boot) end
  return 0
end
if dwell > 0 then
  redis.call('PEXPIRE', lock, dwell)
  redis.call('SET', lock, '~', 'PX', dwell)
  redis.call('ZREM', alive, boot)
  local head = redis.call('ZRANGE', queue, 0, 0)[1]
  if head then
    tell(string.sub(head, 1, 16), 'recheck ' .. ARGV[2] .. ' ' .. head .. ' ' .. lock)
  end
  return 1
end
`,
  TIME,
  MINT,
  KEEP_QUEUE,
  PROMOTE,
  /* lua */ `
promote()
redis.pcall('ZREM', alive, boot)
return 1
`,
);
