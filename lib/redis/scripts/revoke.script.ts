import { defineScript } from '../redis-script.js';
import { IS_TOKEN, KEEP_QUEUE, LOCK_KEYS, MINT, PROMOTE, TIME } from './shared.script.js';

/**
 * Takes the lock from whoever of us holds it, ends the rest of a `minHold`, hands over to the next
 * waiter, and tells the one who lost it: `revoked 0 <token> <lock>`.
 *
 * KEYS  1 lock  2 queue  3 alive  4 fence counter
 * ARGV  1 channel prefix
 * Reply 1 taken, 0 nobody holds it, or somebody who is none of us
 * Cost  O(log n) for n waiting processes
 */
export const revokeScript = defineScript(
  'revoke',
  LOCK_KEYS,
  TIME,
  MINT,
  KEEP_QUEUE,
  IS_TOKEN,
  /* lua */ `
local channel = ARGV[1]
`,
  PROMOTE,
  /* lua */ `
local holder = redis.call('GET', lock)
if not holder or (holder ~= '~' and not isToken(holder)) then return 0 end
redis.call('DEL', lock)
promote()
if holder ~= '~' then
  redis.call('PUBLISH', channel .. string.sub(holder, 1, 16), 'revoked 0 ' .. holder .. ' ' .. lock)
end
return 1
`,
);
