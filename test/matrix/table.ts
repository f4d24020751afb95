/** What worked and what did not, as it is printed when all tests of a file are over. */
export class Table {
  readonly #rows = new Map<string, Map<string, string>>();

  constructor(private readonly title: string) {}

  /** Runs the test of one field. */
  async note(row: string, column: string, test: () => Promise<void>): Promise<void> {
    const fields = this.#rows.get(row) ?? new Map<string, string>();
    this.#rows.set(row, fields.set(column, 'FAILED'));
    await test();
    fields.set(column, 'ok');
  }

  print(): void {
    const columns = [...new Set([...this.#rows.values()].flatMap((fields) => [...fields.keys()]))];
    const lines = [...this.#rows].map(([row, fields]) => [
      row,
      ...columns.map((column) => fields.get(column) ?? '-'),
    ]);
    const all = [[this.title, ...columns], ...lines];
    const widths = all[0]!.map((_, i) => Math.max(...all.map((line) => line[i]!.length)));
    const text = all.map((line) => line.map((field, i) => field.padEnd(widths[i]!)).join(' | '));
    process.stdout.write(`\n${text.join('\n')}\n\n`);
  }
}

/** What an application of the library has installed beside it. */
export const PEERS = ['@nestjs', 'ioredis', 'reflect-metadata', 'rxjs'];
