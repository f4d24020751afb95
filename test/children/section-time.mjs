/** The time of the machine, in microseconds: its processes have one monotonic clock. */
export function microseconds() {
  return Number(process.hrtime.bigint() / 1000n);
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Works under a lock, and stops at once when it is lost.
 *
 * @param {import('../../dist/esm/index.js').Lock} lock
 * @param {number} from When it was sure of the lock first; `Infinity`: never.
 * @param {number} ms How long the work takes.
 * @returns {Promise<number>} When it was sure of the lock last.
 */
export async function work(lock, from, ms) {
  let until = from;
  const look = () => {
    if (lock.remainingMs > 0) until = microseconds();
  };
  const endsAt = performance.now() + ms;
  do {
    look();
    await pause(2);
  } while (performance.now() < endsAt && !lock.signal.aborted);
  look();
  return until;
}
