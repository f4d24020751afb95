import { setTimeout as sleep } from 'node:timers/promises';

import { it } from '@jest/globals';

import { closing } from '../support/after-test.js';
import { chaosMs } from '../support/chaos/chaos-run.js';
import { serverFaults } from '../support/chaos/faults.js';
import { adminOf, onOneServer } from '../support/chaos/one-server.js';
import { RedisServer } from '../support/redis-server.js';

const RUN_MS = chaosMs(10_000);

it(
  'overlap only until leases of before a loss of data are over, with numbers that rise (I2, I3, I5)',
  async () => {
    const server = closing(await RedisServer.start());
    const redis = adminOf(server);
    await onOneServer(server, redis, {
      name: 'One server that loses its data',
      runMs: RUN_MS,
      serverPauseMs: 1500,
      serverFaults: (run) => ({
        ...serverFaults(server, redis),
        'flushed server': () => run.losing(() => redis.flushall()),
        'killed server, back without data': () => run.losing(() => server.restart()),
        'server that is down for a while': () =>
          run.losing(async () => {
            await server.kill();
            await sleep(1000);
            await server.restart();
          }),
      }),
    }).finish();
  },
  RUN_MS + 300_000,
);
