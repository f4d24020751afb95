import { monitorEventLoopDelay } from 'node:perf_hooks';

import { until as instant } from './clock.mjs';

const RESOLUTION_MS = 2;

/** What this process spends between two instants: CPU, and how late its event loop is. */
export function startMeter({ from, until }) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  let before;
  let spent;
  void instant(from).then(() => {
    before = process.cpuUsage();
    delay.enable();
  });
  void instant(until).then(stop);
  return { read };

  function stop() {
    delay.disable();
    spent ??= process.cpuUsage(before);
  }

  function read() {
    stop();
    return {
      cpuUs: before === undefined ? 0 : spent.user + spent.system,
      // Between two looks lies the resolution, on an idle loop too.
      loopDelayMs: Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION_MS),
    };
  }
}
