import type { Lock } from '../../lib/engine/api/lock.js';
import type { LockManager } from '../../lib/engine/lock-manager.js';

/**
 * Keeps what is acquired or attached until it is over: a test that does not look at a holder any more
 * would have it released when its handle is collected.
 */
export function keepLocks(manager: LockManager): LockManager {
  let kept: Lock[] = [];
  const keep = (lock: Lock): Lock => {
    kept.push(lock);
    if (kept.length > 200) kept = kept.filter(({ remainingMs }) => remainingMs > 0);
    return lock;
  };
  const acquire = manager.acquire.bind(manager);
  const attach = manager.attach.bind(manager);
  return Object.assign(manager, {
    acquire: async (...call: Parameters<LockManager['acquire']>) => keep(await acquire(...call)),
    attach: async (...call: Parameters<LockManager['attach']>) => keep(await attach(...call)),
  });
}
