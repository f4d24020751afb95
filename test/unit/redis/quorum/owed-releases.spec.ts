import { describe, expect, it } from '@jest/globals';

import { systemClock } from '../../../../lib/engine/time/clock.js';
import { type OwedRelease, OwedReleases } from '../../../../lib/redis/quorum/owed-releases.js';
import { eventually } from '../../../support/eventually.js';

const DEBT = { key: 'k', minHoldLeft: 0, until: Infinity };

const owing = (tell: (token: string, release: OwedRelease) => Promise<unknown>) =>
  new OwedReleases(tell, systemClock);

describe('OwedReleases', () => {
  it('are repeated until the node has heard', async () => {
    let isDeaf = true;
    const told: string[] = [];
    const debts = owing(async (token) => {
      told.push(token);
      if (isDeaf) throw new Error('late');
    });
    debts.owe('t', DEBT);

    await debts.settle();
    expect(debts.owes('t')).toBe(true);
    isDeaf = false;
    await debts.retry();
    await debts.retry();

    expect(debts.owes('t')).toBe(false);
    expect(told).toEqual(['t', 't']);
  });

  it('do not follow every answer of a node that refuses them', async () => {
    let told = 0;
    const debts = owing(async () => {
      told += 1;
      throw new Error('refused');
    });
    debts.owe('t', DEBT);
    for (let i = 0; i < 10; i += 1) await debts.settle();
    expect(told).toBe(1);

    await debts.retry();
    expect(told).toBe(2);
    debts.close();
  });

  it('are tried with one of them, each time another, while the node refuses', async () => {
    const told: string[] = [];
    const debts = owing(async (token) => {
      told.push(token);
      throw new Error('refused');
    });
    for (const token of ['a', 'b', 'c']) debts.owe(token, DEBT);

    for (let i = 0; i < 4; i += 1) await debts.retry();

    expect(told).toEqual(['a', 'b', 'c', 'a']);
    debts.close();
  });

  it('are repeated though nothing else is said to the node', async () => {
    let told = 0;
    const debts = owing(async () => void (told += 1));

    debts.owe('t', DEBT);

    await eventually(() => expect(told).toBe(1));
    expect(debts.owes('t')).toBe(false);
  });

  it('do not pile up at a node that never hears of them', () => {
    const debts = owing(() => Promise.reject(new Error('refused')));
    debts.owe('a', { ...DEBT, until: 0 });

    debts.owe('b', DEBT);

    expect([debts.owes('a'), debts.owes('b')]).toEqual([false, true]);
    debts.close();
  });

  it('end with their node', () => {
    const debts = owing(() => Promise.reject(new Error('not to be told')));
    debts.owe('a', DEBT);
    debts.close();
    debts.owe('b', DEBT);

    expect([debts.owes('a'), debts.owes('b')]).toEqual([false, false]);
  });

  it('end with their time', async () => {
    const debts = owing(() => Promise.reject(new Error('not to be told')));
    debts.owe('t', { ...DEBT, until: 0 });

    await debts.settle();

    expect(debts.owes('t')).toBe(false);
  });

  it('stay when they are renewed while an earlier one is settled', async () => {
    const debts: OwedReleases = owing(async (token) =>
      debts.owe(token, { ...DEBT, minHoldLeft: 1 }),
    );
    debts.owe('t', DEBT);

    await debts.settle();

    expect(debts.owes('t')).toBe(true);
    debts.close();
  });

  it('keep the newer one when an earlier one was refused meanwhile', async () => {
    const told: number[] = [];
    const debts: OwedReleases = owing(async (token, { minHoldLeft }) => {
      told.push(minHoldLeft);
      if (minHoldLeft === 0) debts.owe(token, { ...DEBT, minHoldLeft: 1 });
      throw new Error('refused');
    });
    debts.owe('t', DEBT);

    await debts.settle();
    await debts.retry();

    expect(told).toEqual([0, 1]);
    debts.close();
  });

  it('are told once at a time', async () => {
    let told = 0;
    const debts = owing(async () => void (told += 1));
    debts.owe('t', DEBT);

    await Promise.all([debts.settle(), debts.settle()]);

    expect(told).toBe(1);
  });
});
