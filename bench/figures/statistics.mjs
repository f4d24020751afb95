/**
 * The value below which `share` of the numbers lie.
 *
 * @param {ArrayLike<number>} numbers
 * @param {number} share
 */
export function percentile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/**
 * The value below which `share` of the weight lies.
 *
 * @param {readonly { value: number, weight: number }[]} entries
 * @param {number} share
 */
export function weightedPercentile(entries, share) {
  const sorted = entries.toSorted((one, other) => one.value - other.value);
  let left = sum(sorted.map(({ weight }) => weight)) * share;
  for (const { value, weight } of sorted) {
    left -= weight;
    if (left < 0) return value;
  }
  return sorted.at(-1)?.value ?? NaN;
}

/**
 * The median; NaN does not count.
 *
 * @param {readonly number[]} numbers
 */
export function median(numbers) {
  const sorted = numbers.filter((number) => !Number.isNaN(number)).sort((a, b) => a - b);
  if (sorted.length === 0) return NaN;
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1
    ? sorted[Math.floor(middle)]
    : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Jain's index: 1 when all are served equally, 1/n when one of n is.
 *
 * @param {ArrayLike<number>} counts
 */
export function jain(counts) {
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < counts.length; i += 1) {
    sum += counts[i];
    squares += counts[i] ** 2;
  }
  return sum === 0 ? 0 : sum ** 2 / (counts.length * squares);
}

/** @param {Iterable<number>} numbers */
export function sum(numbers) {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}
