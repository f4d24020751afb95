import { describe, expect, it } from '@jest/globals';

import type { Tally } from '../../../lib/prometheus/tally.js';
import { Tallies } from '../../../lib/prometheus/tallies.js';

const call = (template: string) => ({ key: `key of ${template}`, label: '', template });

describe('Tallies', () => {
  it('counts beyond 500 templates under one name, so that labels stay bounded', () => {
    const tallies = new Tallies('default');
    for (let i = 0; i < 10_000; i += 1) tallies.asked(call(`t${i}`)).acquired(1, 'free', 1);
    const byTemplate = new Map(tallies);

    expect(byTemplate.size).toBe(501);
    expect(byTemplate.get('others')?.held).toBe(9500);
    expect(byTemplate.get('t7')?.held).toBe(1);
  });

  it('puts a duration in the bucket that it does not exceed', () => {
    const tallies = new Tallies('default');
    for (const ms of [0, 1, 1.1, 300_000, 300_001])
      tallies.asked(call('t')).acquired(ms, 'free', 1);
    const [[, { wait }]] = [...tallies] as [readonly [string, Tally]];

    expect(wait.counts[0]).toBe(2);
    expect(wait.counts[1]).toBe(1);
    expect(wait.counts.slice(-2)).toEqual([1, 1]);
    expect(wait.sum).toBeCloseTo(600.0031, 3);
  });
});
