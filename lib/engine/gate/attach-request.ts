import { resolveRequest } from '../api/lock-options.check.js';
import type { AttachOptions, LockRequest, LockSettings } from '../api/lock-options.js';
import type { DetachedLock } from '../store/lock-ticket.js';
import { capacityIn, readToken } from '../store/token.js';

const ATTACH_OPTIONS = ['ttl', 'renew', 'maxHold', 'label'] as const;

/**
 * Checks the options of an attach. The rest is as the lock was taken.
 *
 * @throws {LockConfigError} All faults at once.
 */
export function attachRequest(
  { key, token }: DetachedLock,
  options: AttachOptions | undefined,
  settings: LockSettings,
): LockRequest {
  const request = resolveRequest(options, settings, { known: ATTACH_OPTIONS, keys: [key] });
  const label = options?.label ?? readToken(token)?.label ?? '';
  return Object.freeze({ ...request, label, capacity: capacityIn(token) });
}
