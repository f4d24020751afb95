import type { TopologyPart } from './define-script.js';
import { SIGN_UNIT } from './shared.script.js';

const GIVE = /* lua */ `
local function claimOf(token)
  return tonumber(string.sub(token, 18, 21))
end
local function exact(moment)
  return moment == us and digits or string.format('%.0f', moment)
end
local function give(head, behind, own, value)
  local claim = claimOf(head)
  local first, last = mint(tonumber(string.sub(head, 23, 26)))
  admit(head, claim, value)
  local heard = head == own or tell(string.sub(head, 1, 16), 'grant ' .. exact(first) .. ' '
    .. exact(last) .. ' ' .. (now + claim) .. ' ' .. digits .. ' ' .. behind .. ' ' .. head .. ' ' .. lock)
  return heard, {first, last, claim}
end
local function isAlive(token)
  return tonumber(call('ZSCORE', alive, token) or 0) > now * ${SIGN_UNIT}
end
`;

/** @param look What comes before somebody leaves the queue. */
function promotion(look: string): string {
  return /* lua */ `
${GIVE}
local function promote(own, waiting, value, count)
  local behind = waiting or call('ZCARD', queue)
  local mine
  while behind > 0 and (not value or count) do
    if value then
      local head = call('ZRANGE', queue, 0, 0)[1]
      if isAlive(head) and not admits(head, value, count) then break end
    end
    ${look}
    local head = call('ZPOPMIN', queue)[1]
    local lives = isAlive(head)
    call('ZREM', alive, head)
    behind = behind - 1
    if lives then
      local heard, terms = give(head, behind, own, value)
      local marker = markerOf(head)
      if heard then
        value, count = marker or head, marker and (count or 0) + 1
        if head == own then mine = terms end
      elseif marker then
        call('ZREM', holders, head)
      end
    end
  end
  if not value then
    call('DEL', lock)
    redis.pcall('DEL', alive)
  elseif behind == 1 then
    keepQueue()
  end
  return value, count, behind, mine
end
`;
}

/**
 * `promote(own, waiting, value, count)`: hands a lock that is free, or has room, to the first waiters
 * that are alive and listen, as long as they get along with its holders; frees it when there are
 * none. Returns the pair that holds it then, how many wait behind, and when `own` is among them its
 * fencing numbers and lease. `own`, the caller, learns it by the reply; everybody else by a push
 * with a claim, a short lease. `waiting` is the queue's length where it is known:
 *
 * `grant <first fence> <last fence> <expiry, ms> <now, µs> <queue> <token> <lock>`
 *
 * With nobody in the queue, who is alive means nothing: what processes that died have left goes too.
 * Where a slot is being moved no key can be looked at that is not there, and a script fails halfway:
 * so the lock passes without being deleted, and is told once it is true.
 * Nobody listening is a hint that the waiter is dead: it is passed over, and comes back with its
 * old place if it is not. The first write is one that Redis allows when it is out of memory.
 * Where the set of holders may be left out of the keys, its lack shows before anybody leaves the queue.
 */
export const PROMOTE: TopologyPart = {
  single: promotion(''),
  sharded: promotion(/* lua */ `
    if holders == counter and markerOf(call('ZRANGE', queue, 0, 0)[1]) then
      call('ZCARD', holders)
    end`),
};
