/**
 * All callers ask at one instant, each once.
 *
 * @param {import('./callers.mjs').Callers} callers
 * @param {{ callers: number, holdMs: number }} load
 * @param {{ until: number }} span
 */
export async function burst(callers, load, { until }) {
  const { holdMs } = load;
  await Promise.all(
    Array.from({ length: load.callers }, (_, caller) =>
      callers.once(caller, { key: 'hot', holdMs, deadline: until }),
    ),
  );
}
