import { ACQUIRED } from './acquire.script.js';
import { LEAVE_FREE } from './coexist.script.js';
import { defineScript } from './define-script.js';
import { DOUBT_FIRST } from './doubt.script.js';
import { ADMIT, HOLDS, SHOWN, TELL_HOLDERS } from './holders.script.js';
import { PROMOTE } from './promote.script.js';
import { IS_TOKEN, KEEP_QUEUE, MINT, mintInPlace, TELL, TIME } from './shared.script.js';

/**
 * Takes all of these locks, each as acquire would, or none: unless all are free, or have room, and
 * nobody waits for any. One fencing number serves for all. Running it again for the same tokens
 * changes nothing but the length of the leases, or gives back what is left of them.
 *
 * All is looked at before anything is written, but that a lock which nobody took is handed to the
 * first that waits for it.
 *
 * KEYS  1 fence counter, then for each lock: lock, queue, alive, holders
 * ARGV  1 not after, µs  2 ttl in ms, then for each lock: token (all of one capacity), channel prefix
 * Reply {µs}: too late, nothing was done
 *       {µs, {held, fence}}  {µs, {busy, place of the lock, from 0, lease left, holder}}
 *       {µs, {conflict, place of the lock, capacity of the others}}; holder: as of acquire
 * Cost  1 command, and 2 for each lock, when all are free; O(log n) for n waiting processes
 */
export const acquireSetScript = defineScript(
  'acquire-set',
  /* lua */ `
local counter = KEYS[1]
`,
  TIME,
  /* lua */ `
if us > tonumber(ARGV[1]) then return {us} end
local ttl, locks = ARGV[2], (#KEYS - 1) / 4
local areFree = true
for i = 0, locks - 1 do
  areFree = areFree and string.byte(ARGV[i * 2 + 3], 28) ~= 67
    and call('EXISTS', KEYS[i * 4 + 2], KEYS[i * 4 + 3]) == 0
end
if areFree then
  local count, floor = 1, nil
  ${mintInPlace()}
  for i = 0, locks - 1 do
    call('SET', KEYS[i * 4 + 2], ARGV[i * 2 + 3], 'PX', ttl)
  end
  return {us, {${ACQUIRED.held}, first}}
end
local lock, queue, alive, holders, channel
`,
  MINT,
  KEEP_QUEUE,
  IS_TOKEN,
  TELL,
  HOLDS,
  ADMIT,
  SHOWN,
  TELL_HOLDERS,
  PROMOTE,
  DOUBT_FIRST,
  LEAVE_FREE,
  /* lua */ `
local function tokenOf(i)
  lock, queue, alive, holders = KEYS[i * 4 + 2], KEYS[i * 4 + 3], KEYS[i * 4 + 4], KEYS[i * 4 + 5]
  channel = ARGV[i * 2 + 4]
  return ARGV[i * 2 + 3]
end
local mine, values = {}, {}
local function inTheWay(i)
  local token = tokenOf(i)
  local value, count = call('GET', lock), nil
  mine[i] = holds(token, value)
  if mine[i] then return end
  value, count = occupants(value)
  if admits(token, value, count) then
    local behind = call('ZCARD', queue)
    if behind > 0 then value, count, behind = promote(nil, behind, value, count) end
    values[i] = value
    if behind == 0 and admits(token, value, count) then return end
  end
  local theirs = conflict(token, value)
  if theirs then return {${ACQUIRED.conflict}, i, theirs} end
  doubtFirst(token, value, count)
  return {${ACQUIRED.busy}, i, leaseLeft(token, value, count), shown(value, count)}
end
local function giveBack(i)
  local token = tokenOf(i)
  local value = call('GET', lock)
  if holds(token, value) then promote(nil, nil, leave(token, value)) end
end

for i = 0, locks - 1 do
  local other = inTheWay(i)
  if other then
    for j = 0, locks - 1 do giveBack(j) end
    return {us, other}
  end
end
local fence = mint(1)
for i = 0, locks - 1 do
  local token = tokenOf(i)
  if mine[i] then prolong(token, ttl) else admit(token, ttl, values[i]) end
end
return {us, {${ACQUIRED.held}, fence}}
`,
);
