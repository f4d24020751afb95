import { ALIVE_MS } from '../../engine/store/lock-store.js';
import type { TopologyPart } from './define-script.js';

/**
 * Text that several scripts begin with.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive
 */
export const LOCK_KEYS = /* lua */ `
local counter, lock, queue, alive = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
`;

/** `us`: Redis' time in microseconds; `digits`: the same in writing, as Lua prints 14 digits of a number. */
export const TIME = /* lua */ `
local time = redis.call('TIME')
local us = time[1] * 1000000 + time[2]
local digits = time[1] .. string.sub('00000' .. time[2], -6)
`;

/** The statements of {@link MINT}, for where a call costs too much: `first` and `last` of `count`. */
export function mintInPlace(): string {
  return /* lua */ `
  local last, text = us, digits
  if floor then last, text = tonumber(floor), floor end
  local first = last - count + 1
  local issued = tonumber(redis.call('SET', counter, text, 'GET') or 0)
  if issued >= first then
    first, last = issued + 1, issued + count
    redis.call('SET', counter, string.format('%.0f', last))
  end`;
}

/**
 * `mint(count, floor)`: reserves fencing numbers by a hybrid clock, `max(last + 1, time in µs)`, and
 * returns the first and the last. They rise across expiry, data loss and a stale replica, where a
 * bare counter repeats itself. A block lies before the clock when it can, so that the counter
 * does not run ahead of it. Of several nodes each has its own clock: there the caller gives one
 * moment for all of them, `floor`, so that they issue the same numbers.
 *
 * @see Kulkarni et al.: Logical Physical Clocks, OPODIS 2014, for the hybrid clock.
 */
export const MINT = /* lua */ `
local function mint(count, floor)
  ${mintInPlace()}
  return first, last
end
`;

/**
 * `report(boot, callers)`: this process is alive and has so many callers waiting. The score is
 * the moment until which it counts as alive, in ms, and the callers in its fraction, as n / 4096.
 */
export const REPORT = /* lua */ `
local function report(boot, callers)
  local untilMs = math.floor(us / 1000) + ${ALIVE_MS}
  redis.call('ZADD', alive, untilMs + math.min(callers, 4095) / 4096, boot)
  redis.call('PEXPIRE', alive, ${4 * ALIVE_MS})
end
`;

/** `keepQueue()`: the queue outlives every sign of life in it. */
export const KEEP_QUEUE = /* lua */ `
local function keepQueue()
  redis.call('PEXPIRE', queue, ${4 * ALIVE_MS})
end
`;

/**
 * `tell(boot, message)`: sends a message to one process, on the channel prefix `channel`. Returns
 * whether it may have been heard. In a Cluster nobody can tell: who listens at a replica is not counted.
 */
export const TELL: TopologyPart = {
  single: /* lua */ `
local function tell(boot, message)
  return redis.call('PUBLISH', channel .. boot, message) > 0
end
`,
  sharded: /* lua */ `
local function tell(boot, message)
  redis.call('SPUBLISH', channel .. boot, message)
  return true
end
`,
};

/** `isToken(value)`: whether a holder is one of ours, and can be told something. */
export const IS_TOKEN = /* lua */ `
local function isToken(value)
  return string.sub(value, 17, 17) == '.' and string.find(value, '^[%w_-]+%.%d%d%d%d%.%d%d%d%d%.') == 1
end
`;

/**
 * `promote(own, waiting)`: hands the lock to the first waiter that is alive and listens, or
 * frees it. Returns its token, its fencing numbers and how many wait behind it; nothing when there is
 * none. The caller, `own`, learns it by the reply; everybody else by a push with a claim, a short lease.
 * `waiting` is the queue's length where it is known:
 *
 * `grant <first fence> <last fence> <expiry, ms> <now, µs> <queue> <token> <lock>`
 *
 * With nobody in the queue, who is alive means nothing: what processes that died have left goes too.
 * Where a slot is being moved no key can be looked at that is not there, and a script fails halfway:
 * so the lock passes without being deleted, and is told once it is true.
 * Nobody listening is a hint that the waiter is dead: it is passed over, and comes back with its
 * old place if it is not. The first write is one that Redis allows when it is out of memory.
 */
export const PROMOTE = /* lua */ `
local function exact(fence)
  return fence == us and digits or string.format('%.0f', fence)
end
local function give(head, behind, own)
  local claim = tonumber(string.sub(head, 18, 21))
  local first, last = mint(tonumber(string.sub(head, 23, 26)))
  local expiry = math.floor(us / 1000) + claim
  redis.call('SET', lock, head, 'PX', claim)
  local heard = head == own or tell(string.sub(head, 1, 16), 'grant ' .. exact(first) .. ' '
    .. exact(last) .. ' ' .. expiry .. ' ' .. digits .. ' ' .. behind .. ' ' .. head .. ' ' .. lock)
  return heard, first, last, claim
end
local function promote(own, waiting)
  local behind = waiting or redis.call('ZCARD', queue)
  while behind > 0 do
    local head = redis.call('ZPOPMIN', queue)[1]
    behind = behind - 1
    local boot = string.sub(head, 1, 16)
    local aliveUntil = tonumber(redis.call('ZSCORE', alive, boot) or 0)
    redis.call('ZREM', alive, boot)
    if aliveUntil * 1000 > us then
      local heard, first, last, claim = give(head, behind, own)
      if heard then
        if behind == 1 then keepQueue() end
        return head, first, last, behind, claim
      end
    end
  end
  redis.call('DEL', lock)
  redis.pcall('DEL', alive)
end
`;
