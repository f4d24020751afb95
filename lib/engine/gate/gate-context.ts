import type { AcquisitionContext } from '../acquire/acquisition-owner.js';
import type { TenureContext } from '../hold/tenure-context.js';

/** What the gates of one process share. */
export interface GateContext extends AcquisitionContext, TenureContext {
  /** Nothing happens at this key any more. */
  emptied(gate: { readonly key: string }): void;
}
