import { handovers, heldMs, perfectP99, toRows } from './sections.mjs';
import { jain, percentile, weightedPercentile } from './statistics.mjs';

/**
 * The figures of one run. Times are in milliseconds, costs in microseconds an acquisition. Who still
 * waits at the end counts with the wait so far, as one more wait: else those who are never served
 * would make the waits look short.
 *
 * @param {Awaited<ReturnType<import('../load/crew.mjs').runCrew>>} crew
 * @param {{ callers: number, oneKey: boolean, kind: string }} work
 */
export function figuresOf(crew, { callers, oneKey, kind }) {
  const { from, until } = crew;
  const all = toRows(crew.samples);
  // Who arrived in time counts, though it was served while the others drained.
  const instant = kind === 'arrivals' ? 'askedAt' : 'enteredAt';
  const rows = all.filter((row) => row[instant] >= from && row[instant] < until);
  const each = rows.length || NaN;
  const waits = [
    ...rows.map((row) => row.enteredAt - row.askedAt),
    ...crew.waiting.map(({ waitMs }) => waitMs),
  ];
  return {
    perSecond: (rows.length / (until - from)) * 1000,
    waitP50Ms: percentile(waits, 0.5),
    waitP99Ms: percentile(waits, 0.99),
    waitMaxMs: percentile(waits, 1),
    cycleP50Ms: percentile(
      rows.map((row) => row.freedAt - row.askedAt),
      0.5,
    ),
    ...(kind === 'arrivals' ? {} : fairness(rows, callers, crew)),
    commands: crew.commands / each,
    serverUs: crew.serverUs / each,
    clientCpuUs: crew.cpuUs / each,
    loopDelayP99Ms: crew.loopDelayMs,
    errors: crew.errors,
    ...(crew.firstError === undefined ? {} : { firstError: crew.firstError }),
    waitingAtEnd: crew.waiting.length,
    workersLost: crew.unfinished,
    ...(oneKey ? handovers(all) : {}),
    ...(kind === 'closedLoop' && oneKey
      ? { sectionShare: heldMs(all, from, until) / (until - from) }
      : {}),
    ...(kind === 'burst' ? burstFigures(all, crew) : {}),
    ...(kind === 'arrivals' ? { perfectP99Ms: perfectP99(all) } : {}),
  };
}

/**
 * By caller: how equally they were served, and the p99 of the wait when each caller's waits together
 * weigh as much as another's. A lucky caller that is served 10 000 times would else outvote the rest.
 */
function fairness(rows, callers, { waiting }) {
  const served = new Float64Array(callers);
  for (const { caller } of rows) served[caller] += 1;
  const waits = [
    ...rows.map(({ caller, askedAt, enteredAt }) => ({ caller, waitMs: enteredAt - askedAt })),
    ...waiting,
  ];
  const counts = new Float64Array(callers);
  for (const { caller } of waits) counts[caller] += 1;
  return {
    callerP99Ms: weightedPercentile(
      waits.map(({ caller, waitMs }) => ({ value: waitMs, weight: 1 / counts[caller] })),
      0.99,
    ),
    jain: jain(served),
    neverServed: served.filter((count) => count === 0).length,
  };
}

/** How long the whole burst took, against the sections that it is made of. */
function burstFigures(rows, { startAt }) {
  const wallMs = (rows.at(-1)?.leftAt ?? NaN) - startAt;
  const sectionsMs = heldMs(rows, -Infinity, Infinity);
  return {
    served: rows.length,
    perSecond: (rows.length / wallMs) * 1000,
    wallMs,
    wallToSections: wallMs / sectionsMs,
  };
}
