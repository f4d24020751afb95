import type { EventEmitter } from 'node:events';

/** Lets an emitter have so many listeners more before Node warns: any number of our calls may listen to one. */
export function raiseLimit(emitter: EventEmitter | undefined, by: number): void {
  const limit = emitter?.getMaxListeners() ?? 0;
  if (limit > 0) emitter?.setMaxListeners(limit + by);
}
