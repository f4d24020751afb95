import { subscribe, unsubscribe } from 'node:diagnostics_channel';

import { describe, expect, it, jest } from '@jest/globals';

import { LockEventEmitter } from '../../../lib/engine/api/lock-event-emitter.js';

const EVENT = { key: 'k', label: '', template: '' };

describe('LockEventEmitter', () => {
  it('tells every listener of its event, in order, until it is taken off', () => {
    const events = new LockEventEmitter();
    const told: string[] = [];
    const first = (): void => void told.push('first');
    events.on('waiting', first).on('waiting', () => told.push('second'));
    events.topics.waiting.tell(EVENT);
    events.off('waiting', first).topics.waiting.tell(EVENT);
    events.topics.skipped.tell(EVENT);

    expect(told).toEqual(['first', 'second', 'second']);
  });

  it('tells a listener of `once` one time, and lets it be taken off before', () => {
    const events = new LockEventEmitter();
    let told = 0;
    const listener = (): void => void (told += 1);
    events.once('waiting', listener);
    events.topics.waiting.tell(EVENT);
    events.topics.waiting.tell(EVENT);
    events.once('waiting', listener).off('waiting', listener).topics.waiting.tell(EVENT);

    expect(told).toBe(1);
  });

  it('knows whether anybody listens', () => {
    const events = new LockEventEmitter();
    const listener = (): void => {};
    expect(events.topics.lost.isHeard).toBe(false);
    events.on('lost', listener);
    expect(events.topics.lost.isHeard).toBe(true);
    events.off('lost', listener);
    expect(events.topics.lost.isHeard).toBe(false);
  });

  it('goes on when a listener throws, and warns', () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const events = new LockEventEmitter();
    let told = 0;
    events.on('waiting', () => {
      throw new Error('mine');
    });
    events.on('waiting', () => (told += 1));

    events.topics.waiting.tell(EVENT);

    expect(told).toBe(1);
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('"waiting" threw: Error: mine'));
    warned.mockRestore();
  });

  const withoutText = [Object.create(null), { toString: () => Symbol('no text') }] as const;
  it.each(
    withoutText.flatMap((value) => [
      {
        how: 'throws',
        value,
        listener: () => {
          throw value;
        },
      },
      { how: 'rejects with', value, listener: (): unknown => Promise.reject(value) },
    ]),
  )('goes on when a listener $how a value that has no text, and warns', async ({ listener }) => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const events = new LockEventEmitter();
    let told = 0;
    events.on('waiting', listener).on('waiting', () => (told += 1));

    events.topics.waiting.tell(EVENT);
    await Promise.resolve();

    expect(told).toBe(1);
    expect(warned).toHaveBeenCalledWith(
      expect.stringContaining('"waiting" threw: object without text'),
    );
    warned.mockRestore();
  });

  it('tells a listener as often as it subscribed, and takes one subscription off at a time', () => {
    const events = new LockEventEmitter();
    let told = 0;
    const listener = (): void => void (told += 1);
    events.on('waiting', listener).once('waiting', listener).on('waiting', listener);
    events.topics.waiting.tell(EVENT);
    expect(told).toBe(3);
    events.topics.waiting.tell(EVENT);
    expect(told).toBe(5);
    events.off('waiting', listener).topics.waiting.tell(EVENT);
    expect(told).toBe(6);
    events.off('waiting', listener).topics.waiting.tell(EVENT);

    expect(told).toBe(6);
  });

  it('tells a listener of `once` one time though it causes the event again', () => {
    const events = new LockEventEmitter();
    const told: string[] = [];
    events.once('waiting', () => events.topics.waiting.tell(EVENT));
    events.once('waiting', () => told.push('once'));
    events.topics.waiting.tell(EVENT);

    expect(told).toEqual(['once']);
  });

  it.each(['on', 'once'] as const)(
    'warns of an async listener of `%s` that rejects',
    async (add) => {
      const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
      const events = new LockEventEmitter();
      const rejects = (): unknown => Promise.reject(new Error('mine'));
      events[add]('waiting', rejects);

      events.topics.waiting.tell(EVENT);
      await Promise.resolve();

      expect(warned).toHaveBeenCalledWith(expect.stringContaining('"waiting" threw: Error: mine'));
      warned.mockRestore();
    },
  );

  it('does not mind listeners that come and go while it tells', () => {
    const events = new LockEventEmitter();
    const told: string[] = [];
    events.once('waiting', () => {
      told.push('once');
      events.on('waiting', () => told.push('new'));
    });
    events.topics.waiting.tell(EVENT);
    events.topics.waiting.tell(EVENT);

    expect(told).toEqual(['once', 'new']);
  });

  it('publishes each event on a diagnostics channel of its name, as long as somebody subscribes', () => {
    const events = new LockEventEmitter();
    const published: unknown[] = [];
    const subscriber = (message: unknown): void => void published.push(message);
    expect(events.topics.acquired.isHeard).toBe(false);
    subscribe('nestjs-redis-lock:acquired', subscriber);
    expect(events.topics.acquired.isHeard).toBe(true);
    events.topics.acquired.tell({ ...EVENT, waitedMs: 1, via: 'free' });
    unsubscribe('nestjs-redis-lock:acquired', subscriber);
    events.topics.acquired.tell({ ...EVENT, waitedMs: 2, via: 'free' });

    expect(published).toEqual([{ ...EVENT, waitedMs: 1, via: 'free' }]);
    expect(events.topics.acquired.isHeard).toBe(false);
  });
});
