import { describe, expect, it } from '@jest/globals';
import { hostname } from 'node:os';

import { EXCLUSIVE, SHARED } from '../../../lib/engine/api/capacity.js';
import {
  TokenMint,
  capacityIn,
  claimIn,
  claimOf,
  fencesIn,
  readToken,
} from '../../../lib/engine/store/token.js';

describe('TokenMint', () => {
  it('never makes a token twice', () => {
    const mint = new TokenMint();
    const tokens = Array.from({ length: 10_000 }, () => mint.next(2000, 1, ''));

    expect(new Set(tokens).size).toBe(10_000);
  });

  it('names its process by 96 random bits', () => {
    const boots = Array.from({ length: 100 }, () => new TokenMint().boot);

    expect(new Set(boots).size).toBe(100);
    for (const boot of boots) expect(boot).toMatch(/^[\w-]{16}$/);
  });

  it('puts boot, claim and fences where the scripts cut them out', () => {
    const mint = new TokenMint();
    const token = mint.next(300, 17, 'x');

    expect(token.slice(0, 16)).toBe(mint.boot);
    expect(token.slice(16, 27)).toBe('.0300.0017.');
    expect(mint.next(2000, 9999, '').slice(16, 27)).toBe('.2000.9999.');
  });

  it('has a field of fixed width for how many may hold the key, unless that is one', () => {
    const mint = new TokenMint();
    const [one, five, all] = [EXCLUSIVE, 5, SHARED].map((n) => mint.next(2000, 1, 'x', n));

    expect(five!.slice(26, 36)).toBe('.C0000005.');
    expect([one, five, all].map((token) => capacityIn(token!))).toEqual([EXCLUSIVE, 5, SHARED]);
    for (const token of [one, five, all])
      expect(readToken(token!)).toMatchObject({ boot: mint.boot, pid: process.pid, label: 'x' });
    expect([one, five, all].map((token) => [claimIn(token!), fencesIn(token!)])).toEqual(
      Array.from({ length: 3 }, () => [2000, 1]),
    );
  });

  it.each(['', 'Stock.sell', 'a b.c~%', '“ünï” 🔒', '\n\0'])(
    'is read back, with label %j',
    (label) => {
      const mint = new TokenMint();

      expect(readToken(mint.next(2000, 1, label))).toEqual({
        boot: mint.boot,
        pid: process.pid,
        host: hostname(),
        label,
      });
    },
  );

  it('is ASCII without spaces, and short, whatever the label', () => {
    const mint = new TokenMint();
    const token = mint.next(2000, 1, '🔒'.repeat(1000));

    expect(token).toMatch(/^[\x21-\x7e]+$/);
    expect(token.length).toBeLessThan(1500);
    expect(readToken(token)?.label.length).toBeLessThanOrEqual(100);
  });

  it('takes a lone surrogate, and one that cutting makes', () => {
    const mint = new TokenMint();

    expect(readToken(mint.next(2000, 1, '\ud800'))?.label).toBe('\ufffd');
    const cut = `${'x'.repeat(99)}🔒`;
    expect(readToken(mint.next(2000, 1, cut))?.label).toBe(`${'x'.repeat(99)}\ufffd`);
  });
});

describe('readToken', () => {
  it.each(['', '~', 'x', 'a'.repeat(40), 'redlock:123', `${'a'.repeat(16)}.1.1.0.1.host.label`])(
    'knows %j for a value that is none of ours',
    (value) => {
      expect(readToken(value)).toBeUndefined();
    },
  );

  it('does not fail on a broken escape', () => {
    expect(readToken(`${'a'.repeat(16)}.2000.0001.0.1.host.%E0%A4%A`)).toBeUndefined();
  });
});

describe('claimOf', () => {
  it.each([
    [100, 100],
    [1500.7, 1500],
    [2000, 2000],
    [30_000, 2000],
  ])('is two seconds at most: %d → %d', (ttl, claim) => {
    expect(claimOf(ttl)).toBe(claim);
  });
});
