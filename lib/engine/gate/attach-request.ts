import type { DetachedLocks } from '../api/detached-lock.js';
import { checkKeys, type LockKeys } from '../api/lock-key.js';
import { resolveRequest } from '../api/lock-options.check.js';
import type { AttachOptions, LockRequest, LockSettings } from '../api/lock-options.js';
import { capacityIn, readToken } from '../store/token.js';

const ATTACH_OPTIONS = ['ttl', 'renew', 'maxHold', 'label'] as const;

/** What an attach asks for. */
interface AttachCall {
  readonly keys: LockKeys;
  readonly request: LockRequest;
}

/**
 * Checks the options of an attach. The rest is as the locks were taken, all by one call.
 *
 * @throws {LockConfigError} All faults at once.
 */
export function attachRequest(
  detached: DetachedLocks,
  options: AttachOptions | undefined,
  settings: LockSettings,
): AttachCall {
  const keys = checkKeys(detached.map(({ key }) => key));
  const request = resolveRequest(options, settings, { known: ATTACH_OPTIONS, keys });
  const [{ token }] = detached;
  const label = options?.label ?? readToken(token)?.label ?? '';
  return { keys, request: Object.freeze({ ...request, label, capacity: capacityIn(token) }) };
}
