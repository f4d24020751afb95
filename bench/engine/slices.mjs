// @ts-check
const WARM_UP = 0.1;

/**
 * Measures several ways in short slices, each time in another order: what a machine does beside it,
 * and collections of garbage, fall on all alike. The first tenth is not counted.
 *
 * @template T
 * @param {readonly T[]} ways
 * @param {number} slices
 * @param {(way: T) => Promise<number>} measure
 * @returns {Promise<number[][]>} Of each way the measure in each slice.
 */
export async function inSlices(ways, slices, measure) {
  /** @type {number[][]} */
  const measured = ways.map(() => []);
  for (let slice = -Math.ceil(slices * WARM_UP); slice < slices; slice += 1) {
    for (const way of shuffled(ways)) {
      const value = await measure(way);
      if (slice >= 0) measured[ways.indexOf(way)]?.push(value);
    }
  }
  return measured;
}

/**
 * How the slices of one way compare with those of another beside them.
 *
 * @param {readonly number[]} own
 * @param {readonly number[]} other
 * @returns {number[]} The quartiles of the ratio: a quarter, the half, three quarters are below.
 */
export function ratioQuartiles(own, other) {
  const ratios = own.map((value, slice) => value / (other[slice] ?? NaN));
  return [0.25, 0.5, 0.75].map((share) => percentile(ratios, share));
}

/**
 * The value below which `share` of the numbers lie.
 *
 * @param {readonly number[]} numbers
 * @param {number} share
 */
export function percentile(numbers, share) {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/**
 * @template T
 * @param {readonly T[]} all
 */
function shuffled(all) {
  return all
    .map((one) => ({ one, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
