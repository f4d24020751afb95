import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';

import { describe, expect, it } from '@jest/globals';

import { ClientDeparture } from '../../../lib/nest/handler/client-departure.js';
import { OF_RESPONSE } from '../../../lib/nest/handler/departure-of.js';
import { eventually } from '../../support/eventually.js';

/** What a departure sees of a response. */
function fakeResponse(state: {
  closed?: boolean | undefined;
  writableEnded?: boolean;
  stream?: object;
}) {
  return Object.assign(new EventEmitter(), { closed: false, writableEnded: false, ...state });
}

const noop = (): void => {};

/** Departures do not watch from the first moment on. */
const watched = (response: EventEmitter, by = 1): Promise<void> =>
  eventually(() => expect(response.listenerCount('close')).toBe(by));

const departureOf = (response?: object): ClientDeparture<ServerResponse> =>
  new ClientDeparture(response as unknown as ServerResponse, OF_RESPONSE);

describe('a caller that leaves', () => {
  it('is told as by an AbortSignal: once, to the party that listens then', () => {
    const departure = departureOf();
    let told = 0;
    departure.addEventListener('abort', () => (told += 1));
    expect(departure.aborted).toBe(false);

    departure.leave();
    departure.leave();

    expect(told).toBe(1);
    expect(departure.aborted).toBe(true);
    expect(() => departure.throwIfAborted()).toThrow('The client has left.');
  });

  it('is seen when its response closes without an answer, and only while somebody listens', async () => {
    const response = fakeResponse({});
    const departure = departureOf(response);
    let told = 0;
    const listener = (): void => void (told += 1);
    departure.addEventListener('abort', listener);
    await watched(response);
    response.emit('close');
    departure.removeEventListener('abort', listener);

    expect(told).toBe(1);
    expect(response.listenerCount('close')).toBe(0);
  });

  it('is seen when its response closes before it is watched', async () => {
    const response = fakeResponse({});
    let told = 0;
    departureOf(response).addEventListener('abort', () => (told += 1));

    Object.assign(response, { closed: true }).emit('close');

    await eventually(() => expect(told).toBe(1));
  });

  it('costs a short wait no listener', async () => {
    const response = fakeResponse({});
    const [short, long] = [departureOf(response), departureOf(response)];
    short.addEventListener('abort', noop);
    short.removeEventListener('abort', noop);
    long.addEventListener('abort', noop);

    await watched(response);
  });

  it('is told to all of its calls that wait then, and not to one that has left', async () => {
    const response = fakeResponse({});
    const departure = departureOf(response);
    const told: string[] = [];
    const listeners = ['first', 'second', 'third'].map((name) => () => void told.push(name));
    for (const listener of listeners) departure.addEventListener('abort', listener);

    departure.removeEventListener('abort', listeners[1]!);
    await watched(response);
    response.emit('close');

    expect(told).toEqual(['first', 'third']);
  });

  it('is watched by any number of calls without a warning, and leaves the limit as it was', async () => {
    const response = fakeResponse({});
    const limit = response.getMaxListeners();
    const departures = Array.from({ length: 15 }, () => departureOf(response));
    for (const departure of departures) departure.addEventListener('abort', noop);
    await watched(response, departures.length);

    expect(response.getMaxListeners()).toBeGreaterThanOrEqual(response.listenerCount('close'));
    for (const departure of departures) departure.removeEventListener('abort', noop);

    expect(response.getMaxListeners()).toBe(limit);
    expect(response.listenerCount('close')).toBe(0);
  });

  it('is seen when the response had closed before anybody asked, over HTTP/1 and HTTP/2', () => {
    expect(departureOf(fakeResponse({ closed: true })).aborted).toBe(true);
    expect(departureOf(fakeResponse({ closed: true, writableEnded: true })).aborted).toBe(false);
    expect(
      departureOf(fakeResponse({ closed: undefined, stream: { destroyed: true } })).aborted,
    ).toBe(true);
    expect(
      departureOf(fakeResponse({ closed: undefined, stream: { destroyed: false } })).aborted,
    ).toBe(false);
  });
});
