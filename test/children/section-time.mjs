/** The time of the machine, in microseconds: its processes have one monotonic clock. */
export function microseconds() {
  return Number(process.hrtime.bigint() / 1000n);
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * A moment at which the lock is certainly held: the clock is read first, since the process may be stopped
 * between the two.
 *
 * @param {import('../../dist/esm/index.js').Lock} lock
 */
export function sureAt(lock) {
  const now = microseconds();
  return lock.remainingMs > 0 ? now : undefined;
}

/**
 * Works under a lock, and stops at once when it is lost.
 *
 * @param {import('../../dist/esm/index.js').Lock} lock
 * @param {number | undefined} from When it was sure of the lock first.
 * @param {number} ms How long the work takes.
 * @returns {Promise<number | undefined>} When it was sure of the lock last.
 */
export async function work(lock, from, ms) {
  let until = from;
  const endsAt = performance.now() + ms;
  do {
    until = sureAt(lock) ?? until;
    await pause(2);
  } while (performance.now() < endsAt && !lock.signal.aborted);
  return sureAt(lock) ?? until;
}
