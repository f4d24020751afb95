import { defineScript } from './define-script.js';

/**
 * Raises the fence counter to what a holder uses, as long as it is the holder: whoever holds the
 * lock here later gets a larger number.
 *
 * KEYS  1 lock  2 fence counter
 * ARGV  1 token  2 fencing number
 * Reply 1 the counter is at least that, 0 the token does not hold the lock
 * Cost  2 or 3 commands
 */
export const raiseScript = defineScript(
  'raise',
  /* lua */ `
local lock, counter = KEYS[1], KEYS[2]
local token, fence = ARGV[1], ARGV[2]
if call('GET', lock) ~= token then return 0 end
if tonumber(call('GET', counter) or 0) < tonumber(fence) then call('SET', counter, fence) end
return 1
`,
);
