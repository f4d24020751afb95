// Processes of one machine have one monotonic clock: what one notes, another can compare.
const OFFSET = offset();

/** Milliseconds, on a clock that all processes of this machine share. */
export function now() {
  return OFFSET + performance.now();
}

/** @param {number} instant on the shared clock */
export function until(instant) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, instant - now())));
}

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The narrowest of many looks: in a wide one this process was made to wait between the two clocks. */
function offset() {
  let best = { width: Infinity, offset: 0 };
  for (let i = 0; i < 200; i += 1) {
    const before = performance.now();
    const shared = Number(process.hrtime.bigint()) / 1e6;
    const width = performance.now() - before;
    if (width < best.width) best = { width, offset: shared - before - width / 2 };
  }
  return best.offset;
}
