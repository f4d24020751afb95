import { defineScript } from './define-script.js';
import { HOLDS } from './holders.script.js';
import { MINT, REPORT, TIME } from './shared.script.js';

/** What is replied for a lock that is not, or not yet, renewed; other numbers tell that it is held. */
export const RENEWED = { lost: -1, stale: -2 } as const;

/**
 * Renews any number of leases. A lease never gets shorter, so that a late or repeated renewal
 * can't cut what the holder relies on. The first write is one that Redis allows when it is out of memory.
 *
 * KEYS  1 fence counter, then for each lock: lock, queue; then for each in turn: holders where more
 *       than one may hold it, and alive where the holder's own process has callers waiting
 * ARGV  for each lock: token, `<ttl in ms> <not after, µs> <fencing numbers wanted, 0: none> <those
 *       callers>`; then the moment whose fencing numbers to reserve, µs (none: Redis' own). Of few
 *       arguments, since a process that holds many locks sends nothing else.
 * Reply {µs, then for each lock: the queue's length, or {it, first fence, last fence} when numbers
 *       were wanted, or lost or stale}
 * Cost  3 to 4 commands a lock
 */
export const renewScript = defineScript(
  'renew',
  /* lua */ `
local counter = KEYS[1]
local lock, alive, holders
`,
  TIME,
  MINT,
  REPORT,
  HOLDS,
  /* lua */ `
local replies = {us}
local locks = #ARGV - #ARGV % 2
local floor = ARGV[locks + 1]
local more = locks + 1
for i = 1, locks, 2 do
  local queue, token = KEYS[i + 2], ARGV[i]
  lock = KEYS[i + 1]
  local ttl, notAfter, fences, callers = string.match(ARGV[i + 1], '^(%d+) (%S+) (%d+) (%d+)$')
  if markerOf(token) then
    more = more + 1
    holders = KEYS[more]
  end
  if callers ~= '0' then
    more = more + 1
    alive = KEYS[more]
  end
  if us > tonumber(notAfter) then
    replies[#replies + 1] = ${RENEWED.stale}
  elseif not holds(token, redis.pcall('GET', lock)) then
    replies[#replies + 1] = ${RENEWED.lost}
  else
    prolong(token, ttl)
    if callers ~= '0' then report(token, tonumber(callers)) end
    local waiting = call('ZCARD', queue)
    replies[#replies + 1] = fences ~= '0' and {waiting, mint(tonumber(fences), floor)} or waiting
  end
end
return replies
`,
);
