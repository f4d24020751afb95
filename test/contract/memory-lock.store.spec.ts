import { systemClock } from '../../lib/engine/time/clock.js';
import { TokenMint } from '../../lib/engine/store/token.js';
import { MemoryLockStore } from '../../lib/memory/memory-lock.store.js';
import { MemorySpace } from '../../lib/memory/memory-space.js';
import { afterTest } from '../support/after-test.js';
import { describeLockStore } from './lock-store.contract.js';
import { StoreParty } from './store-party.js';

describeLockStore('MemoryLockStore', async () => {
  const space = new MemorySpace(systemClock);
  return {
    join: async () => {
      const mint = new TokenMint();
      const store = new MemoryLockStore(mint.boot, space);
      afterTest(() => store.close());
      return new StoreParty(mint, store);
    },
    leave: (party) => party.store.close(),
    leftovers: async () => space.keys(),
  };
});
