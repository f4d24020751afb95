import { median } from '../figures/statistics.mjs';
import { OURS, RAW, RING } from '../libraries/index.mjs';
import { oursPermits, oursShared, oursTwoKeys } from '../libraries/kinds.mjs';
import { INTERCEPTOR, POSITIONAL } from '../works/http.mjs';

const atLeast = (limit) => ({ limit, sign: '≥', holds: (value) => value >= limit });
const THREE = ['redlock', 'redis-semaphore', 'redlock-universal'];
const atMost = (limit) => ({ limit, sign: '≤', holds: (value) => value <= limit });

/** What the lock is meant to reach. `values` gives one number for each round; their median is judged. */
export const targets = [
  toFloor('uncontended', 'latency of acquire and release, p50', 'cycleP50Ms', RAW, atMost(1.1)),
  toFloor('uncontended', 'latency of acquire alone, p50', 'waitP50Ms', RAW, atMost(1.1)),
  toFloor('parallel-64', 'acquired a second', 'perSecond', RAW, atLeast(1)),
  throughput('parallel-64', atLeast(1)),
  throughput('hot-1x64', atLeast(50)),
  own('hot-1x64', 'Jain', 'jain', atLeast(0.98)),
  throughput('hot-8x8', atLeast(10)),
  own('hot-8x8', 'Jain', 'jain', atLeast(0.95)),
  ...p99('hot-8x8', atMost(1 / 20)),
  toFloor('hot-8x1', 'acquired a second', 'perSecond', RING, atLeast(0.75)),
  ...p99('hot-8x1', atMost(1 / 2)),
  own('sections-8x8', 'sections / wall time', 'sectionShare', atLeast(0.95)),
  ...p99('sections-8x8', atMost(1 / 5)),
  throughput('hot-4x250', atLeast(10)),
  {
    work: 'hot-4x250',
    what: 'acquired a second',
    against: 'ours with 64 waiters (hot-4x16)',
    ...atLeast(0.8),
    values: (view) =>
      ratios(
        view.series('hot-4x250', OURS, 'perSecond'),
        view.series('hot-4x16', OURS, 'perSecond'),
      ),
  },
  ...p99('hot-4x250', atMost(1 / 20)),
  own('hot-4x250', 'event-loop delay, p99, ms', 'loopDelayP99Ms', atMost(20)),
  own('burst-4x50', 'wall time / sections', 'wallToSections', atMost(1.1)),
  toExclusive('readers-4x16', oursShared, 'acquired a second', 'perSecond', atLeast(10)),
  toExclusive('permits-4x16', oursPermits, 'acquired a second', 'perSecond', atLeast(4.5)),
  permitsToPeer('acquired a second', 'perSecond', atLeast(1), {}),
  permitsToPeer('Jain', 'jain', atLeast(1), {}),
  permitsToPeer('wait, p99, each caller counts the same', 'callerP99Ms', atMost(1), {
    lowest: true,
  }),
  toExclusive(
    'two-keys',
    oursTwoKeys,
    'latency of acquire and release, p50',
    'cycleP50Ms',
    atMost(1.3),
  ),
  lowest('arrivals', 'wait, p99', 'waitP99Ms', atMost(0.15)),
  lowest('quorum-alone', 'latency of acquire, p50', 'waitP50Ms', atMost(1.1)),
  lowest('quorum-alone-loopback', 'latency of acquire, p50', 'waitP50Ms', atMost(1.1)),
  {
    work: 'quorum-4x4',
    what: 'acquired a second',
    against: `median of ${THREE.join(', ')}`,
    ...atLeast(10),
    values: (view) =>
      ratios(
        view.series('quorum-4x4', OURS, 'perSecond'),
        medianOf(view, 'quorum-4x4', 'perSecond'),
      ),
  },
  own('quorum-4x4', 'Jain', 'jain', atLeast(0.95)),
  ...p99('quorum-4x4', atMost(1 / 10)),
  ...['http-1', 'http-10'].flatMap((work) => [
    toFloor(work, 'requests a second', 'perSecond', RAW, atLeast(0.95)),
    toFloor(work, 'requests a second', 'perSecond', INTERCEPTOR, atLeast(0.95)),
    {
      work,
      what: 'requests a second, positional key',
      against: INTERCEPTOR,
      ...atLeast(0.95),
      values: (view) =>
        ratios(
          view.series(work, POSITIONAL, 'perSecond'),
          view.series(work, INTERCEPTOR, 'perSecond'),
        ),
    },
  ]),
  own('held-100k', 'renewal, share of one core', 'renewalCpuShare', atMost(0.05)),
  own('held-100k', 'late renewals', 'lateRenewals', atMost(0)),
];

function own(work, what, figure, limit) {
  return { work, what, against: '', ...limit, values: (view) => view.series(work, OURS, figure) };
}

function toFloor(work, what, figure, floor, limit) {
  const values = (view) =>
    ratios(view.series(work, OURS, figure), view.series(work, floor, figure));
  return { work, what, against: floor, ...limit, values };
}

function throughput(work, limit) {
  return toPeer(work, 'acquired a second', 'perSecond', limit, {});
}

function lowest(work, what, figure, limit) {
  return toPeer(work, what, figure, limit, { lowest: true });
}

/** Both ways to count: a caller that is served 1 000 times has one voice, or a thousand. */
function p99(work, limit) {
  return [
    lowest(work, 'wait, p99, each caller counts the same', 'callerP99Ms', limit),
    lowest(work, 'wait, p99, each acquisition counts the same', 'waitP99Ms', limit),
  ];
}

function toPeer(work, what, figure, limit, which) {
  const peerOf = (view) => view.bestPeer(work, figure, which);
  return {
    work,
    what,
    against: (view) => peerOf(view) ?? 'the best peer',
    ...limit,
    values: (view) =>
      ratios(view.series(work, OURS, figure), view.series(work, peerOf(view), figure)),
  };
}

/** A kind of lock against an exclusive one of ours. */
function toExclusive(work, { name }, what, figure, limit) {
  const values = (view) => ratios(view.series(work, name, figure), view.series(work, OURS, figure));
  return { work, what: `${what}, ${name}`, against: OURS, ...limit, values };
}

function permitsToPeer(what, figure, limit, which) {
  const target = toPeer('permits-4x16', what, figure, limit, which);
  const peerOf = (view) => view.bestPeer(target.work, figure, which);
  const values = (view) =>
    ratios(
      view.series(target.work, oursPermits.name, figure),
      view.series(target.work, peerOf(view), figure),
    );
  return { ...target, what: `${what}, ${oursPermits.name}`, values };
}

/** The median of three libraries in each round. */
function medianOf(view, work, figure) {
  const series = THREE.map((library) => view.series(work, library, figure));
  return (series[0] ?? []).map((_, round) => median(series.map((rounds) => rounds[round] ?? NaN)));
}

function ratios(ours, others) {
  return ours.slice(0, others.length).map((value, round) => value / others[round]);
}
