import { describe, expect, it } from '@jest/globals';

import { ClientDeparture } from '../../../lib/nest/handler/client-departure.js';

describe('a caller that leaves', () => {
  it('is told as by an AbortSignal: once, to who listens then', () => {
    const departure = new ClientDeparture();
    const told: string[] = [];
    const second = (): void => void told.push('second');
    const first = (): void => {
      told.push('first');
      departure.removeEventListener('abort', second);
    };
    departure.addEventListener('abort', first);
    departure.addEventListener('abort', second);
    expect(departure.aborted).toBe(false);

    departure.leave(new Error('gone'));
    departure.leave(new Error('gone again'));

    expect(told).toEqual(['first']);
    expect(departure.aborted).toBe(true);
    expect(() => departure.throwIfAborted()).toThrow(/^gone$/);
  });
});
