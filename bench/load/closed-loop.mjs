import { now, sleep } from './clock.mjs';

/**
 * Each caller asks again as soon as it has given the lock back, and after its pause.
 *
 * @param {import('./callers.mjs').Callers} callers
 * @param {{ callers: number, keys: number, holdMs?: number, pauseMs?: number }} load
 *   `keys` 1: one key for all. Otherwise a caller goes through its own keys, one after another.
 * @param {{ until: number }} span
 */
export async function closedLoop(callers, load, { until }) {
  const { holdMs = 0, pauseMs = 0 } = load;
  await Promise.all(Array.from({ length: load.callers }, (_, caller) => loop(caller)));

  async function loop(caller) {
    for (let turn = 0; now() < until; turn += 1) {
      await callers.once(caller, { key: keyOf(caller, turn), holdMs, deadline: until });
      if (pauseMs > 0) await sleep(Math.random() * pauseMs);
    }
  }

  function keyOf(caller, turn) {
    const own = load.keys / load.callers;
    return load.keys === 1 ? 'hot' : `free:${caller}:${turn % own}`;
  }
}
