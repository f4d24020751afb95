import { WIDTH } from '../load/samples.mjs';
import { percentile, sum } from './statistics.mjs';

const SLOTS_PER_DECADE = 10;
const LOWEST_MS = 0.01;

/**
 * Samples as rows, in the order in which the callers entered.
 *
 * @param {readonly Float64Array[]} arrays
 */
export function toRows(arrays) {
  const rows = [];
  for (const array of arrays)
    for (let at = 0; at < array.length; at += WIDTH) {
      const [caller, askedAt, enteredAt, leftAt, freedAt] = array.subarray(at, at + WIDTH);
      rows.push({ caller, askedAt, enteredAt, leftAt, freedAt });
    }
  return rows.sort((one, other) => one.enteredAt - other.enteredAt);
}

/**
 * What rows of one key tell: nobody may enter before the one before has left, and the time from leaving
 * to another caller's entering is the hand-over. Who takes the lock again from itself hands nothing over.
 *
 * @param {ReturnType<typeof toRows>} rows
 */
export function handovers(rows) {
  const delays = [];
  let overlaps = 0;
  for (let i = 1; i < rows.length; i += 1) {
    const delay = rows[i].enteredAt - rows[i - 1].leftAt;
    if (delay < 0) overlaps += 1;
    if (rows[i].caller !== rows[i - 1].caller) delays.push(delay);
  }
  return {
    ownAgain: 1 - delays.length / (rows.length - 1),
    handoverP50Ms: percentile(delays, 0.5),
    handoverP99Ms: percentile(delays, 0.99),
    overlaps,
    histogram: histogram(delays),
  };
}

/**
 * How long a lock was held in a span.
 *
 * @param {ReturnType<typeof toRows>} rows
 */
export function heldMs(rows, from, until) {
  return sum(
    rows.map(({ enteredAt, leftAt }) =>
      Math.max(0, Math.min(leftAt, until) - Math.max(enteredAt, from)),
    ),
  );
}

/**
 * The p99 of the wait if the same requests with the same sections were served in turn, each at the very
 * instant at which the one before leaves: no lock can do better.
 *
 * @param {ReturnType<typeof toRows>} rows
 */
export function perfectP99(rows) {
  let freeAt = -Infinity;
  const waits = rows
    .toSorted((one, other) => one.askedAt - other.askedAt)
    .map(({ askedAt, enteredAt, leftAt }) => {
      const start = Math.max(askedAt, freeAt);
      freeAt = start + (leftAt - enteredAt);
      return start - askedAt;
    });
  return percentile(waits, 0.99);
}

/** Counts by slot; a slot is a tenth of a decade, the first begins at 10 µs. */
function histogram(delays) {
  const slots = {};
  for (const delay of delays) {
    const slot = Math.floor(Math.log10(Math.max(delay, LOWEST_MS) / LOWEST_MS) * SLOTS_PER_DECADE);
    slots[slot] = (slots[slot] ?? 0) + 1;
  }
  return slots;
}

/** Where a slot of a histogram begins, in milliseconds. */
export function slotStart(slot) {
  return LOWEST_MS * 10 ** (slot / SLOTS_PER_DECADE);
}
