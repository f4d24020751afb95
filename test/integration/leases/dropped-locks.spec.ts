import { describe, expect, it } from '@jest/globals';

import { closing } from '../../support/after-test.js';
import { Child } from '../../support/child.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';

describe('a lock that was acquired and dropped', () => {
  it('is released when its object is collected, with a warning that names key and label', async () => {
    const options = {
      connection: sharedRedisUrl(),
      keyPrefix: uniquePrefix(),
      shutdownTimeout: 0,
    };
    const args = [JSON.stringify(options)];
    const child = closing(Child.start('dropper.mjs', { args, execArgv: ['--expose-gc'] }));

    const { held, reason, warnings, isKept } = await child.next('collected');

    // What is kept, or has a listener on its signal, is in use.
    expect(held).toEqual(['kept', 'listened-to']);
    // A signal that is looked at tells before the lock is free.
    expect(reason).toBe('LOCK_LOST');
    expect([...(warnings as string[])].sort()).toEqual([
      expect.stringContaining('Lock "dropped" (leaky) was never released'),
      expect.stringContaining('Lock "section" (nested) was never released'),
      expect.stringContaining('Lock "told" was never released'),
      expect.stringContaining('Lock "tried" was never released'),
    ]);
    // To keep what was given back would make each collection of young objects twice as long.
    expect(isKept).toBe(false);
    expect(await child.exited).toMatchObject({ code: 0 });
  });
});
