import { it } from '@jest/globals';

import { closing } from '../support/after-test.js';
import { chaosMs } from '../support/chaos/chaos-run.js';
import { serverFaults, stopped } from '../support/chaos/faults.js';
import { adminOf, onOneServer } from '../support/chaos/one-server.js';
import { FakeClock } from '../support/fake-clock.js';
import { RedisServer } from '../support/redis-server.js';

const RUN_MS = chaosMs(12_000);
const LONGEST_STEP_MS = 3000;

it(
  'overlap only after leases that ended early, while clocks step and machines are suspended (I2, I3, I5)',
  async () => {
    const serverClock = closing(new FakeClock());
    const clocks = [closing(new FakeClock()), closing(new FakeClock())];
    const server = closing(await RedisServer.start({ env: serverClock.serverEnv }));
    const redis = adminOf(server);
    await onOneServer(server, redis, {
      name: 'One server, clocks that step',
      runMs: RUN_MS,
      serverPauseMs: 1500,
      // Two machines with two processes each.
      env: (i) => clocks[i % 2]!.env,
      serverFaults: (run) => {
        const some = (): number => 200 + run.random() * LONGEST_STEP_MS;
        const one = (): FakeClock => clocks[run.random() < 0.5 ? 0 : 1]!;
        return {
          ...serverFaults(server, redis),
          "server's clock forward": () => run.losing(async () => serverClock.step(some())),
          "server's clock back": () => serverClock.step(-some() / 2),
          "processes' clock forward": () => one().step(some()),
          "processes' clock back": () => one().step(-some()),
          // For all that is stopped time is over that its own monotonic clock has not counted.
          'suspended machines': () =>
            run.losing(async () => {
              const ms = some();
              await stopped(
                run.contenders.map(({ child }) => child),
                300,
                () => [serverClock, ...clocks].forEach((clock) => clock.step(ms)),
              );
            }),
        };
      },
    }).finish();
  },
  RUN_MS + 300_000,
);
