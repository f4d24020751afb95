import type { CoexistPart } from './define-script.js';

/** The lock is left free for so long at the start of each such period of Redis' clock, in ms. */
const FREE_MS = 150;
const PERIOD_MS = 500;

/**
 * Where other libraries use the same keys: for a while twice a second `promote` hands a lock that
 * nobody holds to nobody. It is free, and the first waiter that is alive and listens is told when to
 * ask, `recheck <ms> <token> <lock>`; the caller, `own`, learns it by the reply, as `leaseLeft`.
 * Those libraries ask again and again, and would never find a lock that passes without a gap.
 *
 * Who finds the lock free and nobody waiting takes it at any time. Needs PROMOTE and TELL.
 */
export const LEAVE_FREE: CoexistPart = {
  coexisting: /* lua */ `
local freeFor = math.max(0, ${FREE_MS} - now % ${PERIOD_MS})
local leaseOf, handOver = leaseLeft, promote
local function leaseLeft(token, value, count)
  return value and leaseOf(token, value, count) or freeFor
end
local function isThere(head, own)
  if not isAlive(head) then return false end
  return head == own
    or tell(string.sub(head, 1, 16), string.format('recheck %d %s %s', freeFor, head, lock))
end
local function promote(own, waiting, value, count)
  local behind = waiting or call('ZCARD', queue)
  if value or freeFor == 0 then return handOver(own, behind, value, count) end
  while behind > 0 do
    local head = call('ZRANGE', queue, 0, 0)[1]
    if isThere(head, own) then
      call('DEL', lock)
      return nil, nil, behind
    end
    call('ZREM', queue, head)
    call('ZREM', alive, head)
    behind = behind - 1
  end
  return handOver(own, 0)
end
`,
};
