import type { Clock } from '../time/clock.js';

/** A call that failed is told so even if Redis does not confirm what it gives back, in milliseconds. */
const GIVE_BACK_MS = 80;

/** Gives back what a call has that failed, or begins again: all are on their way before the first has answered. */
export async function giveBack(
  locks: readonly { release(): Promise<unknown> }[],
  clock: Clock,
): Promise<void> {
  if (locks.length === 0) return;
  const released = locks.map((lock) => lock.release());
  await new Promise<void>((resolve) => {
    const timer = clock.after(GIVE_BACK_MS, resolve);
    void Promise.allSettled(released).then(() => resolve(clock.cancel(timer)));
  });
}
