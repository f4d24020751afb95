import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';

import { LockLostError, LockUnavailableError } from '../../../lib/engine/api/errors.js';
import { LockEventEmitter } from '../../../lib/engine/api/lock-event-emitter.js';
import { LockLogger } from '../../../lib/nest/service/logger.js';

/** An engine that has been opened. */
function opened<T>(given: T) {
  const manager = { onTrouble: () => {}, order: undefined, ...given };
  return { manager, whenOpen: (listener: (each: typeof manager) => void) => listener(manager) };
}

describe('the log of locks', () => {
  const lines: string[] = [];
  let now = 0;
  const keep =
    (level: string) =>
    (message: string, ...rest: unknown[]) =>
      void lines.push(`${level} [${String(rest.at(-1))}] ${message}`);

  beforeEach(() => {
    lines.length = 0;
    now = 0;
    const [verbose, debug, log, warn, error] = ['verbose', 'debug', 'log', 'warn', 'error'].map(
      keep,
    );
    Logger.overrideLogger({ verbose, debug, log, warn, error } as never);
  });
  afterEach(() => Logger.overrideLogger(['log', 'error', 'warn']));

  function emitter(): LockEventEmitter {
    const events = new LockEventEmitter();
    void new LockLogger(opened({ events, inspect: () => Promise.resolve(null) }), () => now);
    return events;
  }

  /** What Redis refused, as the store tells it. */
  function refusal(key: string, message = 'connect ECONNREFUSED 10.0.0.5:6379') {
    const cause = Object.assign(new Error(message), { code: 'ECONNREFUSED' });
    const reason = 'there is no connection to Redis.';
    return new LockUnavailableError([key], reason, cause, ['10.0.0.5:6379']);
  }

  const event = { key: 'order:"7"\n', label: 'Orders.pay', template: 'order:{0}' };

  it('tells what is routine at verbose, a call that found a lock busy at debug', () => {
    const events = emitter();
    events.topics.waiting.tell(event);
    events.topics.acquired.tell({ ...event, waitedMs: 12.3, via: 'handoff' });
    events.topics.renewed.tell(event);
    events.topics.released.tell({ ...event, heldMs: 30.9 });
    events.topics.timeout.tell({ ...event, waitedMs: 5000 });
    events.topics.skipped.tell({ ...event, label: '' });
    const lock = 'Lock "order:\\"7\\"\\n"';

    expect(lines).toEqual([
      `verbose [RedisLock] ${lock} (Orders.pay): is busy; waiting`,
      `verbose [RedisLock] ${lock} (Orders.pay): acquired after 12 ms (handoff)`,
      `verbose [RedisLock] ${lock} (Orders.pay): renewed`,
      `verbose [RedisLock] ${lock} (Orders.pay): released after 31 ms`,
      `debug [RedisLock] ${lock} (Orders.pay): is still busy after 5000 ms`,
      `verbose [RedisLock] ${lock}: is busy; the call is skipped`,
    ]);
  });

  it('names the holder of a lock that is still busy', () => {
    const events = emitter();
    const holder = { label: 'Orders.pay', host: 'web-1', pid: 7, leaseLeftMs: 900, isHere: false };
    events.topics.timeout.tell({ ...event, key: 'k', waitedMs: 50, holder });
    events.topics.timeout.tell({
      ...event,
      key: 'k',
      waitedMs: 50,
      holder: { ...holder, isHere: true },
    });

    expect(lines).toEqual([
      'debug [RedisLock] Lock "k" (Orders.pay): is still busy after 50 ms, held by Orders.pay in process 7 on web-1; 900 ms of its lease are left',
      'debug [RedisLock] Lock "k" (Orders.pay): is still busy after 50 ms, held by Orders.pay in this process; 900 ms of its lease are left',
    ]);
  });

  it('warns of what Redis failed to do, and calls a lost lock an error', () => {
    const events = emitter();
    const error = new LockUnavailableError(['order'], 'no answer.');
    events.topics.unavailable.tell({ ...event, error });
    events.topics['release-failed'].tell({ ...event, error });
    events.topics.lost.tell({
      ...event,
      heldMs: 5,
      error: new LockLostError(['order'], 5, 'gone.'),
    });

    expect(lines).toEqual([
      'warn [RedisLock] Lock "order" is unavailable: no answer. (Orders.pay)',
      'warn [RedisLock] Lock "order" is unavailable: no answer. (Orders.pay)',
      expect.stringMatching(
        /^error \[RedisLock\] Lock "order" was lost after 5 ms: gone\. .* \(Orders\.pay\)$/,
      ),
    ]);
  });

  it('names the cause and the node of a failure', () => {
    const events = emitter();
    events.topics.unavailable.tell({ ...event, error: refusal('k') });
    const lost = new LockLostError(['k'], 5, 'not renewed.', undefined, refusal('k', 'other'));
    events.topics.lost.tell({ ...event, heldMs: 5, error: lost });

    expect(lines).toEqual([
      expect.stringMatching(
        /\(Orders\.pay\) Cause: connect ECONNREFUSED 10\.0\.0\.5:6379\. Node: 10\.0\.0\.5:6379\.$/,
      ),
      expect.stringMatching(/Cause: other \(ECONNREFUSED\)\. Node: 10\.0\.0\.5:6379\.$/),
    ]);
  });

  it('ends a cause that is a sentence with one full stop', () => {
    const events = emitter();
    const error = new LockUnavailableError(['k'], 'no.', new Error('A test did it.'), ['a', 'b']);
    events.topics.unavailable.tell({ ...event, error });

    expect(lines).toEqual([expect.stringMatching(/ Cause: A test did it\. Node: a, b\.$/)]);
  });

  it('writes one line a minute of a storm, whatever the keys, and how many there were', () => {
    const events = emitter();
    for (let i = 0; i < 5; i += 1)
      events.topics.unavailable.tell({ ...event, key: `k${i}`, error: refusal(`k${i}`) });
    for (let i = 0; i < 3; i += 1)
      events.topics.unavailable.tell({
        ...event,
        error: new LockUnavailableError([`k${i}`], `${i} ms.`),
      });
    events.topics.unavailable.tell({ ...event, error: refusal('k', 'WRONGPASS') });
    now = 60_000;
    events.topics.unavailable.tell({ ...event, key: 'k9', error: refusal('k9') });

    expect(lines).toEqual([
      expect.stringContaining('"k0" is unavailable'),
      expect.stringContaining('"k0" is unavailable: 0 ms.'),
      expect.stringContaining('WRONGPASS'),
      expect.stringMatching(/"k9" is unavailable.* \(4 more since\)$/),
    ]);
  });

  it('names each lock that is lost in one outage', () => {
    const events = emitter();
    for (const key of ['a', 'b', 'a'])
      events.topics.lost.tell({
        ...event,
        key,
        heldMs: 5,
        error: new LockLostError([key], 5, 'gone.'),
      });

    expect(lines).toEqual([expect.stringContaining('"a"'), expect.stringContaining('"b"')]);
  });

  it('warns once when the application starts and Redis can not be used', async () => {
    const inspect = () => Promise.reject(refusal('connection', 'WRONGPASS no such user'));
    const logger = new LockLogger(opened({ events: new LockEventEmitter(), inspect }));
    logger.onApplicationBootstrap();
    await Promise.resolve();
    await Promise.resolve();

    expect(lines).toEqual([
      "warn [RedisLock] Redis can't be used for locks: there is no connection to Redis. Cause: " +
        'WRONGPASS no such user (ECONNREFUSED). Node: 10.0.0.5:6379.',
    ]);
  });

  it('says nothing of a start that is interrupted by the end', async () => {
    const inspect = () => Promise.reject(refusal('connection'));
    const logger = new LockLogger(opened({ events: new LockEventEmitter(), inspect }));
    logger.onApplicationBootstrap();
    logger.onModuleDestroy();
    await Promise.resolve();
    await Promise.resolve();

    expect(lines).toEqual([]);
  });
});
