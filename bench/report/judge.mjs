import { median } from '../figures/statistics.mjs';
import { targets } from './targets.mjs';

/**
 * Each target with what was measured: the median of the rounds, the lowest and the highest.
 * Targets whose work was not run are left out.
 *
 * @param {import('../figures/view.mjs').View} view
 */
export function judge(view) {
  return targets.flatMap((target) => {
    const values = target.values(view).filter((value) => !Number.isNaN(value));
    if (values.length === 0) return [];
    const measured = median(values);
    return [
      {
        work: target.work,
        what: target.what,
        against: typeof target.against === 'function' ? target.against(view) : target.against,
        target: `${target.sign} ${short(target.limit)}`,
        measured,
        lowest: Math.min(...values),
        highest: Math.max(...values),
        reached: target.holds(measured),
      },
    ];
  });
}

/** Three digits are more than the measurement is good for. */
export function short(value) {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return '∞';
  if (Math.abs(value) >= 1000) return Math.round(Number(value.toPrecision(3))).toLocaleString('en');
  return `${Number(value.toPrecision(3))}`;
}
