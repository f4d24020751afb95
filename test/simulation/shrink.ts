import type { Fault, Schedule } from './schedule.js';
import { simulate } from './simulate.js';

/** A schedule that still fails, with as few faults, processes and callers as can be found by leaving out. */
export async function shrink(schedule: Schedule): Promise<Schedule> {
  const fails = async (one: Schedule): Promise<boolean> =>
    (await simulate(one)).violations.length > 0;
  let faults = schedule.faults;
  for (let size = Math.ceil(faults.length / 2); size >= 1; size = Math.floor(size / 2))
    faults = await without(size, faults, (fewer) => fails({ ...schedule, faults: fewer }));
  let small: Schedule = { ...schedule, faults };
  for (const fewer of [{ processes: 2 }, { callers: 1 }]) {
    const next: Schedule = Object.assign({}, small, fewer);
    const isWhole = faults.every((fault) => fault.process < next.processes);
    if (isWhole && (await fails(next))) small = next;
  }
  return small;
}

/** Leaves out so many at a time, wherever it fails all the same. */
async function without(
  size: number,
  faults: readonly Fault[],
  fails: (fewer: readonly Fault[]) => Promise<boolean>,
): Promise<readonly Fault[]> {
  let left = faults;
  let i = 0;
  while (i < left.length) {
    const fewer = left.filter((_, at) => at < i || at >= i + size);
    if (await fails(fewer)) left = fewer;
    else i += size;
  }
  return left;
}
