import type { LockRequest } from '../api/lock-options.js';
import type { ReentrantLock } from '../reentry/reentrant-lock.js';

/** One of the locks that a call for several keys takes. */
export interface SetMember extends ReentrantLock {
  /** Goes on as part of the whole that `request` asks for; `false`: Redis did not confirm it. */
  settle(request: LockRequest): Promise<boolean>;
}

/** Takes it; bounded by the request's `wait`. */
export type SetStep = (request: LockRequest) => Promise<SetMember>;
