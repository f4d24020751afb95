import { SHARED } from '../../engine/api/capacity.js';
import { MARKER, NOBODY } from './define-script.js';

/**
 * Who holds a lock, and what a lock's key then says: the token of an exclusive holder, or a marker
 * with the capacity of those who hold it beside each other, whose tokens and lease ends (Redis ms)
 * are in `holders`. The key lives as long as the longest of these leases; the set counts only under
 * its marker. A text without the capacity field is no token of theirs.
 *
 * - `markerOf(token)`: what the key says when this token is among several; `nil`: it is exclusive
 * - `markerIn(value)`: whether the key's value is such a marker
 * - `holds(token, value)`: whether it holds the lock, whose key says `value`, or why that could not be read
 * - `prolong(token, lease)`: a holder's lease; it never gets shorter
 */
export const HOLDS = /* lua */ `
local function markerOf(token)
  if string.byte(token, 28) == 67 then return '${MARKER}' .. string.sub(token, 29, 35) end
end
local function markerIn(value)
  return string.sub(value, 1, ${MARKER.length}) == '${MARKER}'
end
local function holds(token, value)
  if value == token then return true end
  -- A key of another type is another party's; a refusal says nothing of the lock.
  if type(value) == 'table' and string.sub(value.err, 1, 9) ~= 'WRONGTYPE' then error(value) end
  local marker = markerOf(token)
  if not marker or value ~= marker then return false end
  return tonumber(call('ZSCORE', holders, token) or 0) > now
end
local function prolong(token, lease)
  local keyLease = math.max(lease, call('PTTL', lock))
  call('PEXPIRE', lock, keyLease)
  if not markerOf(token) then return end
  call('ZADD', holders, 'GT', now + lease, token)
  call('PEXPIRE', holders, keyLease)
end
`;

/**
 * How holders come and go. `value, count` is what the lock's key says and how many live holders its
 * marker stands for (`nil`: it is no marker); both `nil` when nobody holds the lock.
 *
 * - `occupants(value)`: the pair of a key's value
 * - `admits(token, value, count)`: whether the token may hold the lock beside them
 * - `admit(token, lease, value)`: it holds the lock from here on
 * - `leave(token, value)`: it does not any more; returns the pair that is left. The key of a lock
 *   that nobody holds then is for the caller to pass on or delete
 * - `leaseLeft(token, value, count)`: after how many ms a waiter may hope, be it for one permit
 */
export const ADMIT = /* lua */ `
local function occupants(value)
  if not value or not markerIn(value) then return value or nil, nil end
  local count = call('ZCOUNT', holders, '(' .. now, '+inf')
  if count > 0 then return value, count end
end
local function admits(token, value, count)
  if not value then return true end
  return count ~= nil and markerOf(token) == value and count < tonumber(string.sub(token, 29, 35))
end
local function admit(token, lease, value)
  local marker = markerOf(token)
  if not marker then return call('SET', lock, token, 'PX', lease) end
  if value then
    call('PEXPIRE', lock, math.max(lease, call('PTTL', lock)))
  else
    -- Fails at a key that is no set of holders, which DEL would not: see where they are left out.
    call('ZREMRANGEBYSCORE', holders, '-inf', '+inf')
    call('SET', lock, marker, 'PX', lease)
  end
  call('ZADD', holders, now + lease, token)
  call('PEXPIRE', holders, call('PTTL', lock))
end
local function settle(value)
  call('ZREMRANGEBYSCORE', holders, '-inf', now)
  local last = call('ZRANGE', holders, -1, -1, 'WITHSCORES')[2]
  if not last then return end
  call('PEXPIRE', lock, last - now)
  call('PEXPIRE', holders, last - now)
  return value, call('ZCARD', holders)
end
local function leave(token, value)
  if value == token then return end
  call('ZREM', holders, token)
  return settle(value)
end
local function earliestEnd()
  local first = call('ZRANGEBYSCORE', holders, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return (first[2] or now) - now
end
local function leaseLeft(token, value, count)
  if count and markerOf(token) == value then return earliestEnd() end
  return call('PTTL', lock)
end
`;

/**
 * `shown(value, count)`: what a reply tells of the holder, or of one of several: a token, or NOBODY,
 * or nothing of another party's value.
 */
export const SHOWN = /* lua */ `
local function shown(value, count)
  local holder = count and call('ZRANGE', holders, 0, 0)[1] or value or '${NOBODY}'
  if string.byte(holder) == ${NOBODY.charCodeAt(0)} then return '${NOBODY}' end
  return isToken(holder) and holder or ''
end
`;

/**
 * - `tellHolders(note, value, count)`: sends each holder a note, `<note> <token> <lock>`; when they are
 *   many, only some: the rest learn it by their renewals
 * - `conflict(token, value)`: the capacity of those who hold the lock, or wait for it, when the
 *   token's own never gets along with it; all of them always do
 */
export const TELL_HOLDERS = /* lua */ `
local function tellHolders(note, value, count)
  for _, token in ipairs(count and call('ZRANGE', holders, 0, 15) or {value}) do
    if isToken(token) then
      tell(string.sub(token, 1, 16), note .. ' ' .. token .. ' ' .. lock)
    end
  end
end
local function capacityOf(value)
  if not value then return end
  if markerIn(value) then return tonumber(string.sub(value, ${MARKER.length + 1})) end
  if value == '${NOBODY}' or isToken(value) then
    return markerOf(value) and tonumber(string.sub(value, 29, 35)) or 1
  end
end
local function conflict(token, value)
  local mine = capacityOf(token)
  local theirs = capacityOf(value) or capacityOf(call('ZRANGE', queue, -1, -1)[1])
  if theirs == nil or theirs == mine then return end
  local waits = (mine == 1 or mine == ${SHARED}) and (theirs == 1 or theirs == ${SHARED})
  if not waits then return theirs end
end
`;
