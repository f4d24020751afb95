import { describe, expect, it } from '@jest/globals';

import { ownOptions } from '../../../lib/redis/client/client-options.js';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

describe('the options of a client of ours', () => {
  it.each([10, 1000, 5000, LONGEST_TIMER_MS, 3_600_000_000])(
    'have timers that Node can set, where a command may take %d ms',
    (commandTimeout) => {
      const { connectTimeout, sentinelCommandTimeout } = ownOptions(commandTimeout);

      expect(connectTimeout).toBeGreaterThan(0);
      expect(connectTimeout).toBeLessThan(sentinelCommandTimeout);
      expect(sentinelCommandTimeout).toBeLessThanOrEqual(LONGEST_TIMER_MS);
    },
  );
});
