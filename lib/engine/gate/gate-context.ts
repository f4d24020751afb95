import type { AcquisitionContext } from '../acquire/acquisition-owner.js';
import type { TenureContext } from '../hold/tenure-context.js';

/** Which gate: a key, and how it is asked for. */
export interface KeyName {
  readonly key: string;
  readonly capacity: number;
}

/** What the gates of one process share. */
export interface GateContext extends AcquisitionContext, TenureContext {
  /** Nothing happens at this key any more. */
  emptied(gate: KeyName): void;
}
