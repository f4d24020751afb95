import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { NEVER } from 'rxjs';

import { RoutedCall } from '../../../lib/nest/handler/routed-call.js';
import { ownLockedPlanOf } from '../../../lib/nest/locked/plan.js';
import { LockService } from '../../../lib/nest/service/lock.service.js';
import { Locked } from '../../../lib/nest/locked.decorator.js';
import { afterTest } from '../../support/after-test.js';

class Orders {
  @Locked('k')
  watch(): unknown {
    return NEVER;
  }
}

describe('a routed call that made several Observables', () => {
  it('ends those that nobody subscribed to, when its chain has ended', async () => {
    const service = new LockService({ connection: 'memory' });
    afterTest(() => service.shutdown());
    const lock = await service.acquire('k');
    const plan = ownLockedPlanOf(Orders.prototype, 'watch')!;
    const context = {
      getType: () => 'rpc',
      getArgs: () => [],
      getArgByIndex: () => undefined,
    } as unknown as ExecutionContext;
    const none = { sendsEvents: false, takesEvents: false, answersByItself: false };
    const facts = { plan, ...none, leads: 'itself' } as const;
    const home = { service, adapterHost: new HttpAdapterHost() };
    const route = new RoutedCall(plan, facts, context, home);
    const held = [NEVER, NEVER].map((each) => route.holdOwn(each, lock, () => lock.release()));

    route.close();

    for (const each of held) expect(await each!.ended).toBeUndefined();
    await lock.release();
  });
});
