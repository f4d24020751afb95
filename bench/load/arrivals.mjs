import { until as instant } from './clock.mjs';
import { randomFrom } from './random.mjs';

/**
 * Requests arrive on their own, whether earlier ones have been served or not: a Poisson process, the
 * same for every library. Their wait counts from the instant at which they were due.
 *
 * @param {import('./callers.mjs').Callers} callers
 * @param {{ perSecond: number, holdMs: number, index: number }} load
 * @param {{ startAt: number, until: number, deadline: number }} span
 */
export async function arrivals(callers, load, { startAt, until, deadline }) {
  const random = randomFrom(load.index + 1);
  const requests = [];
  let due = startAt;
  for (let caller = 0; ; caller += 1) {
    due += (-Math.log(1 - random()) / load.perSecond) * 1000;
    if (due >= until) break;
    requests.push(request(caller, due));
  }
  await Promise.all(requests);

  async function request(caller, askedAt) {
    await instant(askedAt);
    await callers.once(caller, { key: 'hot', holdMs: load.holdMs, askedAt, deadline });
  }
}
