/**
 * A length of time: a number of milliseconds, or a number with its unit.
 *
 * @example
 * const durations: Duration[] = [250, '500ms', '30s', '5m', '1h'];
 */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`;

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const WITH_UNIT = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;

/** How a wrong duration is explained in a {@link LockConfigError}. */
export const DURATION_FORM = 'milliseconds or a string such as "500ms", "30s", "5m", "1h"';

/**
 * Reads a duration.
 *
 * @returns Milliseconds, `Infinity` included; `undefined` when `value` is no duration.
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const [, amount, unit] = WITH_UNIT.exec(value) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  return Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
}
