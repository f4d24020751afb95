import { SIGN_MS } from '../../engine/store/lock-queue.js';
import { SIGN_UNIT } from './shared.script.js';

/**
 * `doubtFirst(token, value, count)`: where the lock has room for the token, and the first in line alone keeps it
 * out, that one is told to show that it lives, `recheck 0 <token> <lock>`. It counts as alive for a moment from then
 * on, or no more at all when nobody listens; if it is not dead, it comes back with its old place. Returns after how
 * many ms it pays for the token to ask again. Needs ADMIT and TELL.
 */
export const DOUBT_FIRST = /* lua */ `
local function doubtFirst(token, value, count)
  if not count or not admits(token, value, count) then return end
  local head = call('ZRANGE', queue, 0, 0)[1]
  if not head or head == token then return end
  local isHeard = tell(string.sub(head, 1, 16), 'recheck 0 ' .. head .. ' ' .. lock)
  local score = tonumber(call('ZSCORE', alive, head) or 0)
  local untilThen = (now + (isHeard and ${SIGN_MS} or -1)) * ${SIGN_UNIT} + score % ${SIGN_UNIT}
  if untilThen < score then redis.pcall('ZADD', alive, 'XX', untilThen, head) end
  return isHeard and ${SIGN_MS} or 0
end
`;
