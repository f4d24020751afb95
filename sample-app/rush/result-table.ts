import type { SaleResult } from './sale-result.js';
import { oversoldBy } from './sale-result.js';

const HEAD = ['', 'stock', 'orders taken', 'oversold by', 'time', 'p50 wait', 'p99 wait'];

/** The results as a table, one sale a line, and below it what went wrong. */
export function resultTable(results: readonly SaleResult[]): string {
  const rows = [HEAD, ...results.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => row.map((cell, i) => align(cell, widths[i]!, i)).join('  '));
  const failures = results.flatMap(({ title, failures }) =>
    failures.map((reason) => `${title}: at least one buyer got no answer: ${reason}`),
  );
  return [...lines, ...failures].join('\n');
}

function cells(result: SaleResult): string[] {
  return [
    result.title,
    String(result.stock),
    String(result.orders),
    String(oversoldBy(result)),
    ms(result.tookMs),
    ms(result.p50Ms),
    ms(result.p99Ms),
  ];
}

function align(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
