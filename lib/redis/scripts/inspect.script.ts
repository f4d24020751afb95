import { defineScript } from './define-script.js';
import { LOCK_KEYS, TIME } from './shared.script.js';

/**
 * Tells who holds the lock and who waits. Changes nothing.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive
 * Reply {} nobody holds it, or {holder, lease left in ms (-1: for ever), boot, callers, boot, callers, …}
 * Cost  O(n) for n waiting processes
 */
export const inspectScript = defineScript(
  'inspect',
  LOCK_KEYS,
  TIME,
  /* lua */ `
local holder = redis.call('GET', lock)
if not holder then return {} end
local reply = {holder, redis.call('PTTL', lock)}
local waiting = redis.call('ZRANGEBYSCORE', alive, math.floor(us / 1000), '+inf', 'WITHSCORES')
for i = 1, #waiting, 2 do
  local score = tonumber(waiting[i + 1])
  reply[#reply + 1] = waiting[i]
  reply[#reply + 1] = (score - math.floor(score)) * 4096
end
return reply
`,
);
