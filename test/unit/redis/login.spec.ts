import { expect, it } from '@jest/globals';

import { type Clock, systemClock } from '../../../lib/engine/time/clock.js';
import { LoginReader } from '../../../lib/redis/client/login.js';

it('a source of credentials that does not answer keeps no process alive', async () => {
  const asked: unknown[] = [];
  const clock: Clock = {
    ...systemClock,
    after: (ms, task, observer) => {
      asked.push([ms, observer]);
      task();
      return { stop: () => undefined };
    },
  };
  const reader = new LoginReader(() => new Promise(() => {}), 1000, clock);

  await expect(reader.read()).rejects.toThrow('credentials() has not answered within 1000 ms.');

  expect(asked).toEqual([[1000, 'observer']]);
});
