import { beforeEach, describe, expect, it } from '@jest/globals';

import type { CliArguments } from '../../../lib/cli/arguments.js';
import { release, type Terminal } from '../../../lib/cli/commands.js';
import { LockService } from '../../../lib/nest/service/lock.service.js';
import { afterTest } from '../../support/after-test.js';

let locks: LockService;
let written: string;
beforeEach(() => {
  locks = new LockService({ connection: 'memory', shutdownTimeout: 0 });
  afterTest(() => locks.shutdown());
  written = '';
});

/** Somebody who says yes, after `meanwhile`. */
function terminal(meanwhile: () => Promise<unknown>): Terminal {
  return {
    isTTY: true,
    write: (text) => (written += text),
    confirm: async () => {
      await meanwhile();
      return true;
    },
  };
}

const ARGUMENTS: CliArguments = {
  command: 'release',
  key: 'k',
  url: '',
  prefix: undefined,
  json: false,
  yes: false,
};

describe('a release that somebody is asked for', () => {
  it('takes the lock from the holder that was shown', async () => {
    await locks.acquire('k', { label: 'first' });

    expect(
      await release(
        locks,
        ARGUMENTS,
        terminal(async () => {}),
      ),
    ).toBe(true);

    expect(written).toBe('"k" is released.\n');
  });

  it('says so when the lock has ended meanwhile', async () => {
    const lock = await locks.acquire('k', { label: 'first' });

    expect(
      await release(
        locks,
        ARGUMENTS,
        terminal(() => lock.release()),
      ),
    ).toBe(false);

    expect(written).toBe('"k" is free.\n');
  });

  it('leaves a holder alone that nobody was shown', async () => {
    const lock = await locks.acquire('k', { label: 'first' });
    const passOn = async (): Promise<void> => {
      await lock.release();
      await locks.acquire('k', { label: 'second' });
    };

    expect(await release(locks, ARGUMENTS, terminal(passOn))).toBe(false);

    expect(written).toBe('"k" has other holders by now, and stays as it is.\n');
    expect(await locks.inspect('k')).toMatchObject({ holders: [{ label: 'second' }] });
  });
});
