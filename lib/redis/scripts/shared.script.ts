import { ALIVE_MS } from '../../engine/store/lock-store.js';
import type { TopologyPart } from './define-script.js';

/**
 * Text that several scripts begin with.
 *
 * KEYS  1 fence counter  2 lock  3 queue  4 alive  5 holders
 */
export const LOCK_KEYS = /* lua */ `
local counter, lock, queue, alive, holders = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
`;

/**
 * `us`: Redis' time in microseconds, rounded down to milliseconds in `now`; `digits`: the first in
 * writing, as Lua prints 14 digits of a number.
 */
export const TIME = /* lua */ `
local time = call('TIME')
local us = time[1] * 1000000 + time[2]
local now = math.floor(us / 1000)
local digits = time[1] .. (#time[2] == 6 and time[2] or string.sub('00000' .. time[2], -6))
`;

/** The statements of {@link MINT}, for where a call costs too much: `first` and `last` of `count`. */
export function mintInPlace(): string {
  return /* lua */ `
  local last, text = us, digits
  if floor and (tonumber(floor) > us or call('EXISTS', counter) == 1) then
    last, text = tonumber(floor), floor
  end
  local first = last - count + 1
  local issued = tonumber(call('SET', counter, text, 'GET') or 0)
  if issued >= first then
    first, last = issued + 1, issued + count
    call('SET', counter, string.format('%.0f', last))
  end`;
}

/**
 * `mint(count, floor)`: reserves fencing numbers by a hybrid clock, `max(last + 1, time in µs)`, and
 * returns the first and the last. They rise across expiry, data loss and a stale replica, where a
 * bare counter repeats itself. A block lies before the clock when it can, so that the counter
 * does not run ahead of it. Of several nodes each has its own clock: there the caller gives one
 * moment for all of them, `floor`, so that they issue the same numbers; one that has lost its counter
 * goes by its own clock, which is not behind what it issued before.
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
 * A sign of life is the moment until which a token counts as alive, in ms, times this, plus how many of its callers
 * wait. A whole number, exact until the year 2109: to print and read a fraction takes a twentieth of a hand-over.
 */
export const SIGN_UNIT = 2048;

/** `report(token, callers)`: its process is alive and has so many callers waiting. Lua is slow at numbers as arguments. */
export const REPORT = /* lua */ `
local function report(token, callers)
  call('ZADD', alive, (now + ${ALIVE_MS}) * ${SIGN_UNIT} + math.min(callers, ${SIGN_UNIT - 1}), token)
  call('PEXPIRE', alive, '${4 * ALIVE_MS}')
end
`;

/** `keepQueue()`: the queue outlives every sign of life in it. */
export const KEEP_QUEUE = /* lua */ `
local function keepQueue()
  call('PEXPIRE', queue, '${4 * ALIVE_MS}')
end
`;

/**
 * `tell(boot, message)`: sends a message to one process, on the channel prefix `channel`. Returns
 * whether it may have been heard. In a Cluster nobody can tell: who listens at a replica is not counted.
 */
export const TELL: TopologyPart = {
  single: /* lua */ `
local function tell(boot, message)
  return call('PUBLISH', channel .. boot, message) > 0
end
`,
  sharded: /* lua */ `
local function tell(boot, message)
  call('SPUBLISH', channel .. boot, message)
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
