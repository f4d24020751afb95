import { median } from '../figures/statistics.mjs';

/** Prints the median of each figure, a line for each library. */
export function printWork(work, runs) {
  console.log(`\n${work.name}: ${work.title}`);
  console.table(
    Object.fromEntries(
      work.libraries.map((library) => [library, medians(runs, work.name, library)]),
    ),
  );
}

/** @returns {Record<string, number>} */
export function medians(runs, work, library) {
  const all = runs.filter((run) => run.work === work && run.library === library);
  const names = Object.keys(all[0]?.figures ?? {}).filter(
    (name) => typeof all[0].figures[name] === 'number',
  );
  return Object.fromEntries(
    names.map((name) => [name, rounded(median(all.map(({ figures }) => figures[name])))]),
  );
}

export function rounded(value) {
  return Number(value.toPrecision(3));
}
