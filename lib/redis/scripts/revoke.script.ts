import { LEAVE_FREE } from './coexist.script.js';
import { defineScript, NOBODY } from './define-script.js';
import { ADMIT, HOLDS } from './holders.script.js';
import { PROMOTE } from './promote.script.js';
import { KEEP_QUEUE, LOCK_KEYS, MINT, TELL, TIME } from './shared.script.js';

/**
 * Takes the lock from its holders, or ends the rest of a `minHold`, hands over to the next waiters,
 * and tells those who lost it: `revoked 0 <token> <lock>`. It takes it from those alone that are
 * named, so that a second run ousts nobody else.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive  5 holders
 * ARGV  1 channel prefix  2 and on: tokens of holders, with `~` before one of which `minHold` is left, or `~`
 * Reply how many of them had it
 * Cost  O(log n) for n waiting processes
 */
export const revokeScript = defineScript(
  'revoke',
  LOCK_KEYS,
  TIME,
  MINT,
  KEEP_QUEUE,
  /* lua */ `
local channel = ARGV[1]
`,
  TELL,
  HOLDS,
  ADMIT,
  PROMOTE,
  LEAVE_FREE,
  /* lua */ `
local value = call('GET', lock)
local isMarker = value and markerIn(value)
local ousted, count = {}, nil
for i = 2, #ARGV do
  if value == ARGV[i] or isMarker and call('ZREM', holders, ARGV[i]) == 1 then
    ousted[#ousted + 1] = ARGV[i]
  end
end
if #ousted == 0 then return 0 end
if isMarker then value, count = settle(value) else value = nil end
promote(nil, nil, value, count)
for _, token in ipairs(ousted) do
  if string.byte(token) ~= ${NOBODY.charCodeAt(0)} then
    tell(string.sub(token, 1, 16), 'revoked 0 ' .. token .. ' ' .. lock)
  end
end
return #ousted
`,
);
