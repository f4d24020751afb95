import { setImmediate as turn } from 'node:timers/promises';

import { describe, expect, it } from '@jest/globals';
import type { ModulesContainer } from '@nestjs/core';
import { LockService } from 'nestjs-redis-lock';

import { LockPoller, type Viewer } from '../../../lib/board/lock-poller.js';
import { managerOf } from '../../../lib/nest/service/lock.service.js';
import { afterTest } from '../../support/after-test.js';
import { eventually } from '../../support/eventually.js';

/** A board of a store with keys without end, none of them a lock; counts the pages that it asks for. */
function boardOfManyKeys(): { readonly poller: LockPoller; readonly asked: () => number } {
  const service = new LockService({ connection: 'memory' });
  let pages = 0;
  managerOf(service)!.viewer.pages = async function* () {
    for (;;) {
      pages += 1;
      await turn();
      yield [];
    }
  };
  const providers = new Map([[LockService, { instance: service, isAlias: false }]]);
  const poller = new LockPoller(new Map([['app', { providers }]]) as unknown as ModulesContainer);
  afterTest(async () => {
    poller.onModuleDestroy();
    await service.shutdown();
  });
  return { poller, asked: () => pages };
}

const viewer = (): Viewer => ({ send: () => {}, end: () => {} });
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await turn();
};

describe('a board of a store with very many keys', () => {
  it('asks for no more of them once its last viewer has left', async () => {
    const { poller, asked } = boardOfManyKeys();
    const only = viewer();
    poller.watch(only);
    await eventually(() => expect(asked()).toBeGreaterThan(1));

    poller.leave(only);
    await turns(10);
    const before = asked();
    await turns(200);

    expect(asked()).toBe(before);
  });

  it('goes on at its pace for a viewer that comes as the last one leaves', async () => {
    const { poller, asked } = boardOfManyKeys();
    const first = viewer();
    poller.watch(first);
    await eventually(() => expect(asked()).toBeGreaterThan(1));

    poller.leave(first);
    poller.watch(viewer());
    await turns(10);
    const before = asked();
    await turns(1000);

    // Without a pause it would be a page a turn or two.
    expect(asked() - before).toBeLessThan(300);
  });
});
