const TOLD_EVERY_MS = 10_000;

/** Counts the faults of a run; with `CHAOS_MS` set tells how far it is, and what there was in the end. */
export class ChaosReport {
  readonly made: Record<string, number> = {};
  readonly #startedAt = performance.now();
  #toldAt = 0;

  constructor(
    private readonly name: string,
    private readonly runMs: number,
  ) {}

  add(kind: string): void {
    this.made[kind] = (this.made[kind] ?? 0) + 1;
    const ms = performance.now() - this.#startedAt;
    if (ms - this.#toldAt < TOLD_EVERY_MS) return;
    this.#toldAt = ms;
    const faults = Object.values(this.made).reduce((sum, count) => sum + count, 0);
    const share = Math.min(100, Math.round((100 * ms) / this.runMs));
    this.#say(`${this.name}: ${(ms / 1000).toFixed(0)} s, ${share} %, ${faults} faults\n`);
  }

  /** The table of the run, with what else was counted. */
  end(counts: Readonly<Record<string, number>>): void {
    const rows = [...Object.entries(this.made), ...Object.entries(counts)];
    const lines = rows.map(
      ([what, count]) => `  ${what.padEnd(28)} ${String(count).padStart(8)}\n`,
    );
    this.#say(`${this.name}\n${lines.join('')}`);
  }

  #say(text: string): void {
    if (process.env['CHAOS_MS'] !== undefined) process.stdout.write(text);
  }
}
