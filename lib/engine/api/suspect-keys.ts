const HOLLOW_SEGMENT = /(?:^|[:/|.#,])(undefined|null|NaN)(?=$|[:/|.#,])/;
const MOST_WARNINGS = 20;

/** Warns, in development, of keys with a segment that was no value: one lock for everybody. */
export class SuspectKeys {
  readonly #warned = new Set<string>();
  readonly #isOn = process.env['NODE_ENV'] !== 'production';

  /** Warns once of each key, and of few keys. */
  look(key: string): void {
    if (!this.#isOn) return;
    const segment = HOLLOW_SEGMENT.exec(key)?.[1];
    if (segment === undefined || this.#warned.has(key) || this.#warned.size >= MOST_WARNINGS)
      return;
    this.#warned.add(key);
    process.emitWarning(
      `Lock key ${JSON.stringify(key)} has the segment "${segment}": is a value missing? ` +
        'All calls without it share one lock.',
      { type: 'LockWarning', code: 'LOCK_KEY_SEGMENT' },
    );
  }
}
