// Takes many locks, holds them, tells what their renewal costs this process.
import { once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { LockService } from '../../dist/esm/index.js';

const AT_ONCE = 500;
// Looking more often would itself cost what is measured here.
const RESOLUTION_MS = 20;

process.once('disconnect', () => process.exit());
const [{ url, count, holdMs }] = await once(process, 'message');
const locks = new LockService({ connection: url });
let lost = 0;
locks.events.on('lost', () => {
  lost += 1;
});
const held = [];
for (let i = 0; i < count; i += AT_ONCE)
  held.push(
    ...(await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - i) }, (_, j) =>
        locks.acquire(`held:${i + j}`),
      ),
    )),
  );

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
const before = process.cpuUsage();
process.send('held');
await new Promise((resolve) => setTimeout(resolve, holdMs));
const { user, system } = process.cpuUsage(before);
delay.disable();
process.send({
  cpuUs: user + system,
  lost,
  stillHeld: held.filter((lock) => lock.remainingMs > 0).length,
  loopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
});
