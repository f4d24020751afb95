import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';

import { LockLostError, LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { LockEventEmitter } from '../../../lib/engine/api/lock-events.js';
import { LockLogger } from '../../../lib/nest/service/logger.js';

describe('the log of locks', () => {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (message: string, ...rest: unknown[]) =>
      void lines.push(`${level} [${String(rest.at(-1))}] ${message}`);

  beforeEach(() => {
    lines.length = 0;
    const [debug, log, warn, error] = ['debug', 'log', 'warn', 'error'].map(keep);
    Logger.overrideLogger({ debug, log, warn, error } as never);
  });
  afterEach(() => Logger.overrideLogger(['log', 'error', 'warn']));

  function emitter(): LockEventEmitter {
    const events = new LockEventEmitter();
    void new LockLogger(events);
    return events;
  }

  const event = { key: 'order:"7"\n', label: 'Orders.pay', template: 'order:{0}' };

  it('tells what is routine at debug, a busy lock too', () => {
    const events = emitter();
    events.emit('waiting', event);
    events.emit('acquired', { ...event, waitedMs: 12.3, via: 'handoff' });
    events.emit('renewed', event);
    events.emit('released', { ...event, heldMs: 30.9 });
    events.emit('timeout', { ...event, waitedMs: 5000 });
    events.emit('skipped', { ...event, label: '' });
    const lock = 'Lock "order:\\"7\\"\\n"';

    expect(lines).toEqual([
      `debug [RedisLock] ${lock} (Orders.pay): is busy; waiting`,
      `debug [RedisLock] ${lock} (Orders.pay): acquired after 12 ms (handoff)`,
      `debug [RedisLock] ${lock} (Orders.pay): renewed`,
      `debug [RedisLock] ${lock} (Orders.pay): released after 31 ms`,
      `debug [RedisLock] ${lock} (Orders.pay): is still busy after 5000 ms`,
      `debug [RedisLock] ${lock}: is busy; the call is skipped`,
    ]);
  });

  it('warns of what Redis failed to do, and calls a lost lock an error', () => {
    const events = emitter();
    const error = new LockUnavailableError(['order'], 'no answer.');
    events.emit('unavailable', { ...event, error });
    events.emit('release-failed', { ...event, error });
    events.emit('lost', { ...event, heldMs: 5, error: new LockLostError(['order'], 5, 'gone.') });

    expect(lines).toEqual([
      'warn [RedisLock] Lock "order" is unavailable: no answer. (Orders.pay)',
      'warn [RedisLock] Lock "order" is unavailable: no answer. (Orders.pay)',
      expect.stringMatching(
        /^error \[RedisLock\] Lock "order" was lost after 5 ms: gone\. .* \(Orders\.pay\)$/,
      ),
    ]);
  });
});
