import { describe, expect, it } from '@jest/globals';

import { LockEventEmitter } from '../../../lib/engine/api/lock-event-emitter.js';
import { readSettings, resolveRequest } from '../../../lib/engine/api/lock-options.check.js';
import type { LockRequest } from '../../../lib/engine/api/lock-options.js';
import { OptionReader } from '../../../lib/engine/api/option-reader.js';
import { ReentryQueue } from '../../../lib/engine/reentry/reentry-queue.js';
import { timed } from '../../support/timed.js';
import { VirtualClock, settle } from '../../support/virtual-clock.js';

const settings = readSettings(new OptionReader({}));
const request = (options: object = {}): LockRequest => resolveRequest(options, settings);

const inContext = (clock = new VirtualClock()): ReentryQueue =>
  new ReentryQueue({ key: 'k', remainingMs: 1000 }, { clock, events: new LockEventEmitter() });

describe('ReentryQueue', () => {
  it('are taken one at a time, in call order', async () => {
    const turns = inContext();
    const order: number[] = [];
    for (let i = 0; i < 3; i += 1) void turns.take(request()).then(() => order.push(i));
    await settle();
    expect(order).toEqual([0]);
    turns.endTurn();
    await settle();
    expect(order).toEqual([0, 1]);
    turns.endTurn();
    turns.endTurn();
    await settle();

    expect(order).toEqual([0, 1, 2]);
    expect(turns.busy).toBe(false);
  });

  it('reject after the wait, and the next is served', async () => {
    const clock = new VirtualClock();
    const turns = inContext(clock);
    await turns.take(request());
    const late = timed(turns.take(request({ wait: 50 })));
    const next = turns.take(request({ wait: 500 }));
    await clock.advance(51);

    expect((await late).error).toMatchObject({ code: 'LOCK_TIMEOUT', key: 'k' });
    turns.endTurn();
    await next;
    expect(clock.pending).toBe(0);
  });

  it('reject with the reason of an aborted signal', async () => {
    const turns = inContext();
    await turns.take(request());
    const controller = new AbortController();
    const aborted = timed(turns.take(request({ signal: controller.signal })));
    controller.abort('enough');

    expect((await aborted).error).toBe('enough');
    await expect(turns.take(request({ signal: controller.signal }))).rejects.toBe('enough');
  });

  it('are tried once with wait: 0', async () => {
    const turns = inContext();
    await turns.take(request({ wait: 0 }));

    await expect(turns.take(request({ wait: 0 }))).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
  });

  it('tell when nobody has one any more', async () => {
    const turns = inContext();
    await turns.take(request());
    void turns.take(request());
    let idle = false;
    void turns.idle().then(() => (idle = true));
    turns.endTurn();
    await settle();
    expect(idle).toBe(false);
    turns.endTurn();
    await settle();

    expect(idle).toBe(true);
  });
});
