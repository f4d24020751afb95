import type { LockSettings } from '../api/lock-options.js';
import type { LockMover } from '../store/lock-mover.js';
import type { ReleaseRetrier } from '../store/release-retrier.js';
import type { TokenRoutes } from '../store/token-routes.js';
import type { ReentryContext } from '../reentry/reentry-queue.js';
import type { HolderEvents } from './holder-events.js';
import type { LeaseRenewer } from './lease-renewer.js';

/** What the tenures of one process share. */
export interface TenureContext extends ReentryContext {
  readonly settings: LockSettings;
  readonly releaser: ReleaseRetrier;
  readonly mover: LockMover;
  readonly routes: TokenRoutes;
  readonly renewer: LeaseRenewer;
  readonly holderEvents: HolderEvents;
}
