import { describe, expect, it } from '@jest/globals';

import type { Tally } from '../../../lib/prometheus/tally.js';
import { Tallies } from '../../../lib/prometheus/tallies.js';

const call = (template: string, permits = 1) => ({
  ...{ key: `key of ${template}`, label: '', template },
  ...{ mode: 'exclusive' as const, permits },
});

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

  it('counts permits in use for those templates alone that ask for them', () => {
    const tallies = new Tallies('default');
    const [first, second] = [tallies.asked(call('export', 5)), tallies.asked(call('export', 5))];
    first.acquired(1, 'free', 1);
    second.acquired(1, 'free', 2);
    tallies.asked(call('export')).acquired(1, 'free', 3);
    tallies.asked(call('order')).acquired(1, 'free', 4);
    first.ended('released', 1);
    tallies.asked(call('export', 5)).refused(new Error('aborted'));
    const byTemplate = new Map(tallies);

    expect(byTemplate.get('export')).toMatchObject({ permitsInUse: 1, held: 2, abandoned: 1 });
    expect(byTemplate.get('order')).toMatchObject({ permitsInUse: undefined, held: 1 });
  });
});
