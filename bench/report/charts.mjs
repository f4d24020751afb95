import { slotStart } from '../figures/sections.mjs';
import { sum } from '../figures/statistics.mjs';
import { View } from '../figures/view.mjs';
import { OURS, RING } from '../libraries/index.mjs';
import { lineChart } from './line-chart.mjs';

const BY_WAITERS = ['hot-8x1', 'hot-8x8', 'hot-4x250'];
/** The work whose hand-overs are charted. */
export const HANDOVERS = 'hot-8x1';

/** The charts as files; those whose works were not run are left out. */
export function charts(works, runs) {
  const view = new View(runs);
  const names = new Set(works.map(({ name }) => name));
  const byWaiters = (file, title, yLabel, figure) => ({
    file,
    svg: lineChart({
      title,
      xLabel: 'callers that want one key, in 8 processes (8, 64) or 4 (1 000)',
      yLabel,
      series: linesByWaiters(works, view, figure),
    }),
  });
  return [
    ...(BY_WAITERS.every((name) => names.has(name))
      ? [
          byWaiters('throughput.svg', 'Acquisitions a second', 'a second', 'perSecond'),
          byWaiters('p99.svg', 'p99 of the wait, each caller counts the same', 'ms', 'callerP99Ms'),
        ]
      : []),
    ...(names.has(HANDOVERS) ? [handoverChart(view, runs)] : []),
  ];
}

function linesByWaiters(works, view, figure) {
  const chosen = BY_WAITERS.map((name) => works.find((work) => work.name === name));
  return view.libraries(BY_WAITERS[1]).map((library) => ({
    name: library,
    style: styleOf(library),
    points: chosen
      .map((work) => [work.waiters, view.median(work.name, library, figure)])
      .filter(([, value]) => value > 0),
  }));
}

/** Ours stands out, the floor is black. */
function styleOf(library) {
  return { [OURS]: 'ours', [RING]: 'floor' }[library] ?? 'other';
}

function handoverChart(view, runs) {
  const series = view.libraries(HANDOVERS).map((library) => ({
    name: library,
    style: styleOf(library),
    points: shares(runs.filter((run) => run.work === HANDOVERS && run.library === library)),
  }));
  return {
    file: 'handover.svg',
    svg: lineChart({
      title: 'From leaving to another one’s entering, 8 processes × 1 caller',
      xLabel: 'ms',
      yLabel: '% of hand-overs, by slots of a tenth of a decade',
      yIsLinear: true,
      series,
    }),
  };
}

function shares(runs) {
  const total = new Map();
  for (const { figures } of runs)
    for (const [slot, count] of Object.entries(figures.histogram ?? {}))
      total.set(Number(slot), (total.get(Number(slot)) ?? 0) + count);
  const slots = [...total.keys()];
  const all = sum(total.values());
  const points = [];
  for (let slot = Math.min(...slots); slot <= Math.max(...slots); slot += 1)
    points.push([slotStart(slot), ((total.get(slot) ?? 0) / all) * 100]);
  return points;
}
