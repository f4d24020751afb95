import type { PushedGrant } from '../../../../lib/redis/servers/push-messages.js';

/** A vote for the token `t`, as a node pushes it. */
export const PUSHED: PushedGrant = {
  key: 'k',
  token: 't',
  fences: { next: 1, last: 1 },
  queue: 0,
  expiresAt: Infinity,
  next: undefined,
  passed: false,
};
