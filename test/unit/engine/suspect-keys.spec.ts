import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { Processes } from './processes.js';

let warn: jest.SpiedFunction<typeof process.emitWarning>;
const environment = process.env['NODE_ENV'];

beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});

afterEach(() => {
  warn.mockRestore();
  process.env['NODE_ENV'] = environment;
});

describe('a key with a segment that was no value', () => {
  it.each(['order:undefined', 'null', 'a:NaN:b', 'a/undefined', 'undefined:x'])(
    'is warned of once: %s',
    async (key) => {
      const { manager } = new Processes().open();
      for (let i = 0; i < 3; i += 1) await manager.withLock(key, () => {});

      expect(warn).toHaveBeenCalledTimes(1);
      expect(warn.mock.calls[0]?.[0]).toContain(JSON.stringify(key));
    },
  );

  it.each(['order:nullable', 'undefinedness', 'order:NaNcy', 'a-null-b', 'annull'])(
    'is not what only contains such a word: %s',
    async (key) => {
      await new Processes().open().manager.withLock(key, () => {});

      expect(warn).not.toHaveBeenCalled();
    },
  );

  it('is not warned of in production', async () => {
    process.env['NODE_ENV'] = 'production';
    await new Processes().open().manager.tryAcquire('order:undefined');

    expect(warn).not.toHaveBeenCalled();
  });
});
