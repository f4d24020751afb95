import { describe, expect, it, jest } from '@jest/globals';

import { copyOfError } from '../../../lib/engine/api/error-cause.js';
import * as errors from '../../../lib/engine/api/errors.js';

const { LockError, LockTimeoutError, LockUnavailableError, isLockError } = errors;

/** One error of each class, made by one copy of the package. */
function oneOfEach(from: typeof errors): Record<string, Error> {
  return {
    LockTimeoutError: new from.LockTimeoutError(['k'], 'k', 5),
    LockQueueFullError: new from.LockQueueFullError(['k'], 2),
    LockUnavailableError: new from.LockUnavailableError(['k'], 'no answer.'),
    LockLostError: new from.LockLostError(['k'], 5, 'gone.'),
    LockKeyError: new from.LockKeyError(['k'], 'empty.'),
    LockConfigError: new from.LockConfigError(['wrong.']),
    LockShutdownError: new from.LockShutdownError(['k']),
  };
}

const CLASSES = Object.entries(errors).filter(([name]) => /^Lock.+Error$/.test(name)) as [
  string,
  { new (...args: never[]): Error; [Symbol.hasInstance](value: unknown): boolean },
][];

describe('a lock error of another copy of the package', () => {
  it('is an instance of LockError and of its own class, of no other', async () => {
    jest.resetModules();
    const copy: typeof errors = await import('../../../lib/engine/api/errors.js');
    expect(copy.LockError).not.toBe(LockError);

    for (const [name, error] of Object.entries(oneOfEach(copy))) {
      expect(error).toBeInstanceOf(LockError);
      expect(CLASSES.filter(([, each]) => error instanceof each).map(([its]) => its)).toEqual([
        name,
      ]);
    }
  });
});

describe('instanceof', () => {
  it('takes no other value for a lock error', () => {
    for (const value of [undefined, null, 'LOCK_TIMEOUT', new Error('x'), { code: 'LOCK_TIMEOUT' }])
      expect(CLASSES.filter(([, each]) => value instanceof each)).toEqual([]);
  });

  it('takes for a class of the application only what that class made', () => {
    class Mine extends LockTimeoutError {}

    expect(new Mine(['k'], 'k', 5)).toBeInstanceOf(Mine);
    expect(new Mine(['k'], 'k', 5)).toBeInstanceOf(LockTimeoutError);
    expect(new LockTimeoutError(['k'], 'k', 5)).not.toBeInstanceOf(Mine);
  });
});

describe('the name of a lock error', () => {
  it('is that of its class, though a minifier renamed it', () => {
    for (const [name, error] of Object.entries(oneOfEach(errors))) {
      const its = error.constructor;
      const original = its.name;
      Object.defineProperty(its, 'name', { value: 'a', configurable: true });
      const minified = oneOfEach(errors)[name];
      Object.defineProperty(its, 'name', { value: original, configurable: true });

      expect(minified?.name).toBe(name);
      expect(String(minified)).toMatch(new RegExp(`^${name}: `));
    }
  });
});

describe('the cause of a lock error', () => {
  it('has no arguments of a command, which Redis repeats where it does not know the command', () => {
    const answer = new Error(
      'ERR unknown command `AUTH`, with args beginning with: `default`, `s3cret`, ',
    );

    const copy = copyOfError(answer);

    expect(copy.message).toBe('ERR unknown command `AUTH`.');
    expect(copy.stack).toMatch(/^Error: ERR unknown command `AUTH`\.\n {4}at /);
  });

  it('is a copy without what a client put on its own error', () => {
    const original = Object.assign(new TypeError('WRONGPASS no'), {
      code: 'EAUTH',
      command: { name: 'auth', args: ['secret'] },
    });
    const { cause } = new LockUnavailableError(['k'], 'refused.', original);

    expect(cause).not.toBe(original);
    expect(cause).toMatchObject({ name: 'TypeError', message: 'WRONGPASS no', code: 'EAUTH' });
    expect((cause as Error).stack).toBe(original.stack);
    expect(cause).not.toHaveProperty('command');
  });

  it('says what went wrong at each address of a host', () => {
    const none = new AggregateError([new Error('ECONNREFUSED ::1'), new Error('ECONNREFUSED v4')]);

    const copy = copyOfError(none);
    expect(copy.message).toBe('ECONNREFUSED ::1; ECONNREFUSED v4');
    expect(copy.stack).toBe(none.stack);
  });

  it('is a lock error itself when it was one', () => {
    const inner = new LockTimeoutError(['k'], 'k', 5);

    expect(isLockError(new LockUnavailableError(['k'], 'x.', inner).cause, 'LOCK_TIMEOUT')).toBe(
      true,
    );
  });
});
