import { appendFileSync } from 'node:fs';

const TOLD_EVERY_MS = 10_000;

/** What a run counted, as rows of a table. */
type Counts = Readonly<Record<string, number>>;

/**
 * Counts the faults of a run, tells how far it is when it is a long one, and in the end what there was.
 * `CHAOS_REPORT` names a file to which the end is added, as a line of JSON.
 */
export class ChaosReport {
  readonly made: Record<string, number> = {};
  #startedAt: number | undefined;
  #toldAt = 0;

  /** @param sections How many sections there were so far. */
  constructor(
    private readonly name: string,
    private readonly runMs: number,
    private readonly sections: () => number,
  ) {}

  add(kind: string): void {
    this.made[kind] = (this.made[kind] ?? 0) + 1;
    this.#startedAt ??= performance.now();
    const ms = performance.now() - this.#startedAt;
    if (ms - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = ms;
    const share = Math.min(100, Math.round((100 * ms) / this.runMs));
    this.#say(
      `${this.name}: ${(ms / 1000).toFixed(0)} s, ${share} %, ${this.#faults} faults, ${this.sections()} sections\n`,
    );
  }

  /** The table of the run, with what else was counted. */
  end(counts: Counts): void {
    const kinds = Object.entries(this.made).sort(([one], [other]) => one.localeCompare(other));
    const rows = [...kinds, ...Object.entries(counts)];
    const lines = rows.map(([what, count]) => `  ${what.padEnd(36)} ${String(count).padStart(8)}`);
    this.#say(`${this.name}\n${lines.join('\n')}\n`);
    const file = process.env['CHAOS_REPORT'];
    const end = { name: this.name, faults: this.made, counts };
    if (file !== undefined) appendFileSync(file, `${JSON.stringify(end)}\n`);
  }

  get #faults(): number {
    return Object.values(this.made).reduce((sum, count) => sum + count, 0);
  }

  /** Past jest, which would add where it was said. */
  #say(text: string): void {
    process.stdout.write(text);
  }
}
