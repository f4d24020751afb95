import type { LockManager } from '../../lib/engine/lock-manager.js';

/**
 * Keeps what is acquired while the manager lives: a test that does not look at a holder any more
 * would have it released when its handle is collected.
 */
export function keepLocks(manager: LockManager): LockManager {
  const kept: unknown[] = [];
  const acquire = manager.acquire.bind(manager);
  return Object.assign(manager, {
    acquire: async (...call: Parameters<LockManager['acquire']>) => {
      const lock = await acquire(...call);
      kept.push(lock);
      return lock;
    },
  });
}
