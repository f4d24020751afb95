import { defineScript } from './define-script.js';
import { ADMIT, HOLDS } from './holders.script.js';
import { LOCK_KEYS, SIGN_UNIT, TIME } from './shared.script.js';

/**
 * Tells who holds the lock and who waits. Changes nothing.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive  5 holders
 * Reply {} nobody holds it, or {what the lock's key says, lease left in ms (-1: for ever),
 *       {token, its lease's end, …} of those who hold it beside each other, {token, sign of life, …} of those
 *       who wait, now}; moments in ms
 * Cost  O(n) for n waiting processes
 */
export const inspectScript = defineScript(
  'inspect',
  LOCK_KEYS,
  TIME,
  HOLDS,
  ADMIT,
  /* lua */ `
local value, count = occupants(call('GET', lock))
if not value then return {} end
local beside = count and call('ZRANGEBYSCORE', holders, '(' .. now, '+inf', 'WITHSCORES') or {}
local waiting = call('ZRANGEBYSCORE', alive, now * ${SIGN_UNIT}, '+inf', 'WITHSCORES')
return {value, call('PTTL', lock), beside, waiting, now}
`,
);
