import { figuresOf } from '../figures/figures.mjs';
import { libraries, RING } from '../libraries/index.mjs';
import { runCrew } from '../load/crew.mjs';

/** As long as a process takes until its code has been compiled to the end. */
const WARM_UP_MS = 1500;
/** The same where processes take turns, so that each runs its code more seldom. */
const LONG_WARM_UP_MS = 15_000;

/**
 * A work of callers in one or several processes.
 *
 * @param {object} work
 * @param {string} work.name
 * @param {string} work.title
 * @param {readonly string[]} work.libraries
 * @param {number} work.processes
 * @param {{ kind: string, callers: number, keys?: number, holdMs?: number }} work.load of each process
 * @param {number} [work.nodes]
 * @param {number} [work.linkMs]
 * @param {boolean} [work.beside] several may hold the lock at once: it is not handed over
 * @param {number} [work.times] how many times as long as others it may take
 * @param {number} [work.drainMs] how long those who wait at the end are served
 */
export function crewWork({
  nodes = 1,
  linkMs = 0,
  beside = false,
  times = 1,
  drainMs = 0,
  ...work
}) {
  const { load, processes } = work;
  const warmUpMs = warmUpFor(load, processes);
  return {
    ...work,
    waiters: load.kind === 'arrivals' ? undefined : processes * load.callers,
    async run(library, { servers, seconds }) {
      const crew = await runCrew({
        library,
        urls: await servers.urls(nodes, linkMs),
        processes,
        load: library === RING ? { ...load, callers: 1 } : load,
        span: { warmUpMs, forMs: seconds * 1000 * times, drainMs },
        servers,
        sends: library === RING ? [] : libraries.get(library).sends,
      });
      const callers = library === RING ? processes : processes * load.callers;
      return figuresOf(crew, {
        callers,
        oneKey: !beside && (load.keys ?? 1) === 1,
        kind: load.kind,
      });
    },
  };
}

/** A burst meets processes as they have started, and arrivals are too few to warm them. */
function warmUpFor({ kind }, processes) {
  if (kind === 'burst') return 0;
  return kind === 'closedLoop' && processes > 1 ? LONG_WARM_UP_MS : WARM_UP_MS;
}
