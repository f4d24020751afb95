import { claimDeadline, deadlineOf } from './lease.js';
import type { FenceBlock, Grant } from './lock-store.js';

/** What a store granted. `deadline` is on our clock and already takes off drift and margin. */
export interface LeaseTerms {
  readonly sentAt: number;
  readonly lease: number;
  readonly deadline: number;
  readonly fences: FenceBlock;
  /** The numbers were reserved no earlier. */
  readonly mintedAt: number;
  readonly queue: number;
}

/** What a pushed claim of `lease` ms gives; `undefined`: too little of it is left to start on. */
export function claimTerms(
  { expiresAt, fences, queue }: Grant,
  lease: number,
  now: number,
): LeaseTerms | undefined {
  const deadline = claimDeadline(expiresAt, lease, now);
  if (expiresAt === undefined || deadline === undefined) return undefined;
  return { sentAt: now, lease, deadline, fences, mintedAt: expiresAt - lease, queue };
}

/** What a reply gives; `undefined`: it is older than the lease that it tells of. */
export function heldTerms(
  { sentAt, lease, fences, queue }: Omit<LeaseTerms, 'deadline' | 'mintedAt'>,
  now: number,
): LeaseTerms | undefined {
  const deadline = deadlineOf(sentAt, lease);
  return deadline > now ? { sentAt, lease, deadline, fences, mintedAt: sentAt, queue } : undefined;
}
