import type { AcquireReply, ReleaseReply } from './lock-store.js';

/** A lock of this process that is given up in the same step as its successor gets a place. */
export interface Yield {
  readonly token: string;
  /** @param reply `undefined`: it is not known what happened. */
  settle(reply: ReleaseReply | undefined): void;
}

/** Tells the one that yields what became of it; nothing is known without a reply, or when it came too late to act. */
export function settleYield(yields: Yield, asked: Promise<AcquireReply>): void {
  asked.then(
    (reply) => {
      if (reply.kind === 'stale') yields.settle(undefined);
      else yields.settle(reply.yielded === false ? 'not-held' : 'released');
    },
    () => yields.settle(undefined),
  );
}
