import { describe, expect, it } from '@jest/globals';
import { Injectable, type Provider } from '@nestjs/common';
import { HeldLock, LockConfigError, Locked, type Lock } from 'nestjs-redis-lock';

import { startApp } from './support/app.js';

async function problemsOf(...providers: Provider[]): Promise<readonly string[]> {
  const error: unknown = await startApp({ providers, lock: { ttl: '1s', renew: false } }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LockConfigError);
  return (error as LockConfigError).problems;
}

describe('start', () => {
  it('fails with every fault of every locked method in one error', async () => {
    @Injectable()
    class Jobs {
      @Locked('job', { minHold: '2s' })
      async run(): Promise<void> {}

      async forgotten(@HeldLock() _lock?: Lock): Promise<void> {}
    }
    @Injectable()
    class Others {
      @Locked('other', { minHold: '3s' })
      async run(): Promise<void> {}
    }

    const problems = await problemsOf(Jobs, Others, {
      provide: 'frozen',
      useValue: Object.freeze(new Others()),
    });

    expect(problems).toEqual([
      '@HeldLock on Jobs.forgotten: the method has no @Locked.',
      expect.stringMatching(/^@Locked on Jobs\.run: minHold \(2000 ms\)/),
      expect.stringMatching(/^@Locked on Others\.run: minHold \(3000 ms\)/),
      expect.stringMatching(/^@Locked on Others\.run: the object is frozen/),
    ]);
  });

  it('never calls a getter of a provider', async () => {
    class Careful {
      get secret(): string {
        throw new Error('was read');
      }
    }

    const { app } = await startApp({ providers: [Careful] });

    expect(app.get(Careful)).toBeInstanceOf(Careful);
  });
});
