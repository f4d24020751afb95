import type { RenewCommand } from '../engine/lock-store.js';
import type { KeysOfLock, LockKeys } from './lock-keys.js';

/** Leases renewed by one script; more would keep Redis from others for too long. */
const RENEWALS_A_SCRIPT = 200;

/** A renewal, where its lock is, and its place among all that were asked for. */
export interface PlacedRenewal {
  readonly command: RenewCommand;
  readonly place: KeysOfLock;
  readonly index: number;
}

/** Sorts renewals into scripts: all of one slot together, up to a bound. */
export function renewalBatches(
  commands: readonly RenewCommand[],
  keys: LockKeys,
): readonly (readonly PlacedRenewal[])[] {
  const batches: PlacedRenewal[][] = [];
  const open = new Map<number, PlacedRenewal[]>();
  for (const [index, command] of commands.entries()) {
    const place = keys.of(command.key);
    let batch = open.get(place.slot);
    if (batch === undefined || batch.length === RENEWALS_A_SCRIPT) {
      batch = [];
      open.set(place.slot, batch);
      batches.push(batch);
    }
    batch.push({ command, place, index });
  }
  return batches;
}
