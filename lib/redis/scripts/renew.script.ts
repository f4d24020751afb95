import { defineScript } from '../redis-script.js';
import { MINT, REPORT, TIME } from './shared.script.js';

/** What is replied for a lock that is not, or not yet, renewed; other numbers tell that it is held. */
export const RENEWED = { lost: -1, stale: -2 } as const;

/**
 * Renews any number of leases. A lease never gets shorter, so that a late or repeated renewal
 * can't cut what the holder relies on. The first write is one that Redis allows when it is out of memory.
 *
 * KEYS  1 fence counter, then for each lock: lock, queue, alive
 * ARGV  for each lock: token, ttl in ms, not after in µs, fencing numbers wanted (0: none),
 *       callers waiting in the holder's own process; then the moment whose fencing numbers to
 *       reserve, µs (none: Redis' own)
 * Reply {µs, then for each lock: the queue's length, or {it, first fence, last fence} when numbers
 *       were wanted, or lost or stale}
 * Cost  3 to 4 commands a lock
 */
export const renewScript = defineScript(
  'renew',
  /* lua */ `
local counter = KEYS[1]
local alive
`,
  TIME,
  MINT,
  REPORT,
  /* lua */ `
local replies = {us}
local locks = (#KEYS - 1) / 3
local floor = ARGV[locks * 5 + 1]
for i = 0, locks - 1 do
  local lock, queue = KEYS[i * 3 + 2], KEYS[i * 3 + 3]
  alive = KEYS[i * 3 + 4]
  local token, ttl, notAfter = ARGV[i * 5 + 1], tonumber(ARGV[i * 5 + 2]), tonumber(ARGV[i * 5 + 3])
  local fences, callers = tonumber(ARGV[i * 5 + 4]), tonumber(ARGV[i * 5 + 5])
  if us > notAfter then
    replies[i + 2] = ${RENEWED.stale}
  elseif redis.pcall('GET', lock) ~= token then
    replies[i + 2] = ${RENEWED.lost}
  else
    redis.call('PEXPIRE', lock, math.max(ttl, redis.call('PTTL', lock)))
    if callers > 0 then report(string.sub(token, 1, 16), callers) end
    local waiting = redis.call('ZCARD', queue)
    replies[i + 2] = fences > 0 and {waiting, mint(fences, floor)} or waiting
  end
end
return replies
`,
);
