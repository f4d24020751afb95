/** Upper bounds in seconds: from a round trip to Redis to a lock that is held for minutes. */
export const BOUNDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
] as const;

/** Durations counted by bucket, for a histogram. */
export class DurationBuckets {
  /** Not cumulative; the last one is for what exceeds every bound. */
  readonly counts: number[] = Array.from({ length: BOUNDS.length + 1 }, () => 0);
  sum = 0;

  observe(ms: number): void {
    const seconds = ms / 1000;
    let i = 0;
    while (seconds > (BOUNDS[i] ?? Infinity)) i += 1;
    this.counts[i] = (this.counts[i] ?? 0) + 1;
    this.sum += seconds;
  }
}
