import { describe } from '@jest/globals';

import { describeAcquire } from './acquire.contract.js';
import { describeFencing } from './fencing.contract.js';
import { describeGrants } from './grant.contract.js';
import { describeIdempotence } from './idempotence.contract.js';
import { describeInspect } from './inspect.contract.js';
import { describeKinds } from './kinds.contract.js';
import { describeLeases } from './leases.contract.js';
import { describeMove } from './move.contract.js';
import { describePoll } from './poll.contract.js';
import { describeQueue } from './queue.contract.js';
import { describeRelease } from './release.contract.js';
import { describeRenew } from './renew.contract.js';
import { describeRevoke } from './revoke.contract.js';
import { describeSets } from './sets.contract.js';
import { describeYield } from './yield.contract.js';
import { Contract } from './store-system.js';
import type { Ability, StoreSystem } from './store-system.js';

/** Holds a store to the contract of the `LockStore` port: safety first, then order, then courtesy. */
export function describeLockStore(
  name: string,
  open: () => Promise<StoreSystem>,
  { lacks = [] }: { readonly lacks?: readonly Ability[] } = {},
): void {
  const contract = new Contract(open, lacks);

  describe(name, () => {
    describeAcquire(contract);
    describeLeases(contract);
    describeFencing(contract);
    describeRenew(contract);
    describeRelease(contract);
    describeQueue(contract);
    describeGrants(contract);
    describePoll(contract);
    describeYield(contract);
    describeRevoke(contract);
    describeInspect(contract);
    describeKinds(contract);
    describeMove(contract);
    describeSets(contract);
    describeIdempotence(contract);
  });
}
