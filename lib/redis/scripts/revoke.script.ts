import { defineScript, NOBODY } from './define-script.js';
import { KEEP_QUEUE, LOCK_KEYS, MINT, PROMOTE, TELL, TIME } from './shared.script.js';

/**
 * Takes the lock from its holder, or ends the rest of a `minHold`, hands over to the next waiter,
 * and tells the one who lost it: `revoked 0 <token> <lock>`.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive
 * ARGV  1 token of the holder, or `~`  2 channel prefix
 * Reply 1 taken, 0 somebody else or nobody holds it
 * Cost  O(log n) for n waiting processes
 */
export const revokeScript = defineScript(
  'revoke',
  LOCK_KEYS,
  TIME,
  MINT,
  KEEP_QUEUE,
  /* lua */ `
local token, channel = ARGV[1], ARGV[2]
`,
  TELL,
  PROMOTE,
  /* lua */ `
if redis.call('GET', lock) ~= token then return 0 end
promote()
if token ~= '${NOBODY}' then
  tell(string.sub(token, 1, 16), 'revoked 0 ' .. token .. ' ' .. lock)
end
return 1
`,
);
