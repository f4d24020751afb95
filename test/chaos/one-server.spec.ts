import { describe, it } from '@jest/globals';

import { closing } from '../support/after-test.js';
import { chaosMs } from '../support/chaos/chaos-run.js';
import { serverFaults } from '../support/chaos/faults.js';
import { adminOf, onOneServer } from '../support/chaos/one-server.js';
import { RedisServer } from '../support/redis-server.js';

const RUN_MS = chaosMs(8000);

describe('processes that contend while everything fails but the data of the server', () => {
  it.each([
    { name: 'One server, exclusive', works: [{ keys: ['hot'] }, { keys: ['warm'] }] },
    { name: 'One server, all kinds' },
  ])(
    'never overlap, nobody is stuck, and nothing is left (A10): $name',
    async (plan) => {
      // It has written what it answers, and reads it again when it starts.
      const args = ['--appendonly', 'yes', '--appendfsync', 'no'];
      const server = closing(await RedisServer.start({ args }));
      const redis = adminOf(server);
      await onOneServer(server, redis, {
        ...plan,
        runMs: RUN_MS,
        serverPauseMs: 700,
        serverFaults: () => ({
          ...serverFaults(server, redis),
          'killed server, back with its data': () => server.restart(),
        }),
      }).finish();
    },
    RUN_MS + 300_000,
  );
});
