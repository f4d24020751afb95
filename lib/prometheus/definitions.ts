import { BOUNDS, type DurationBuckets } from './duration-buckets.js';
import type { Tally } from './tally.js';

/** One number of a metric, with the labels it has beside `service` and `template`. */
export interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Behind the metric's name: the parts of a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
}

/** A metric, and how it is read from what was counted. */
export interface Definition {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly read: (tally: Tally) => readonly Sample[];
}

/** Every metric; `docs/observability.md` describes them. */
export const DEFINITIONS: readonly Definition[] = [
  {
    name: 'redis_lock_acquired_total',
    help: 'Locks acquired, by way: free, from another process (handoff), from this one (local).',
    type: 'counter',
    read: ({ acquiredBy }) =>
      Object.entries(acquiredBy).map(([way, value]) => ({ value, labels: { way } })),
  },
  histogram('redis_lock_wait_seconds', 'How long calls waited that acquired.', (of) => of.wait),
  histogram('redis_lock_held_seconds', 'How long locks were held.', (of) => of.hold),
  counter('redis_lock_busy_total', 'Calls that ended since the lock was busy.', (of) => of.busy),
  counter(
    'redis_lock_unavailable_total',
    'Calls that ended since Redis did not answer or refused.',
    (of) => of.unavailable,
  ),
  counter(
    'redis_lock_abandoned_total',
    'Calls that ended otherwise: aborted, or turned away by a shutdown.',
    (of) => of.abandoned,
  ),
  counter('redis_lock_lost_total', 'Locks lost while held.', (of) => of.endedBy.lost),
  counter(
    'redis_lock_release_failed_total',
    'Releases that did not reach Redis and are repeated.',
    (of) => of.endedBy['release-failed'],
  ),
  gauge('redis_lock_waiters', 'Calls that ask or wait for a lock.', (of) => of.waiting),
  gauge('redis_lock_held', 'Locks held by this process.', (of) => of.held),
  {
    name: 'redis_lock_permits_in_use',
    help: 'Permits of semaphores that are held by this process.',
    type: 'gauge',
    read: ({ permitsInUse }) => (permitsInUse === undefined ? [] : [{ value: permitsInUse }]),
  },
];

function counter(name: string, help: string, read: (tally: Tally) => number): Definition {
  return { name, help, type: 'counter', read: (tally) => [{ value: read(tally) }] };
}

function gauge(name: string, help: string, read: (tally: Tally) => number): Definition {
  return { name, help, type: 'gauge', read: (tally) => [{ value: read(tally) }] };
}

function histogram(
  name: string,
  help: string,
  read: (tally: Tally) => DurationBuckets,
): Definition {
  return { name, help, type: 'histogram', read: (tally) => bucketSamples(read(tally)) };
}

function bucketSamples({ counts, sum }: DurationBuckets): Sample[] {
  let count = 0;
  const buckets = counts.map((inBucket, i): Sample => {
    count += inBucket;
    return { value: count, labels: { le: String(BOUNDS[i] ?? '+Inf') }, suffix: '_bucket' };
  });
  return [...buckets, { value: sum, suffix: '_sum' }, { value: count, suffix: '_count' }];
}
