import type { DiscoveryService } from '@nestjs/core';
import type { LockService } from '../service/lock.service.js';
import { getLockServiceToken } from '../service/tokens.js';
import type { ModuleFaults } from './module-faults.js';

/** Finds other services of the same name: locks of one name in two stores exclude nobody. */
export function checkTwins(
  name: string | undefined,
  service: LockService,
  discovery: DiscoveryService,
  faults: ModuleFaults,
): void {
  const token = getLockServiceToken(name);
  const all = discovery
    .getProviders()
    .filter((each) => each.token === token && !each.isAlias && each.instance !== undefined);
  const which = name === undefined ? 'without a name' : `named "${name}"`;
  for (const { host, instance } of all) {
    if (instance === service) continue;
    faults.add(
      host,
      `${all.length} RedisLockModules ${which} are set up, and locks of one do not exclude those of ` +
        'the other. Call forRoot once, in the root module, or give each a name of its own.',
    );
  }
}
