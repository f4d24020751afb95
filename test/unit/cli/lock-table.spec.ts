import { describe, expect, it } from '@jest/globals';

import { lockTable } from '../../../lib/cli/lock-table.js';

describe('a table of locks', () => {
  it('has a line for each of more locks than a call may have arguments', () => {
    const holders = [{ label: 'Orders.pay', host: 'web-1', pid: 1, ttlMs: 1000 }];
    const locks = Array.from({ length: 150_000 }, (_, i) => ({
      ...{ key: `order:${i}`, mode: 'exclusive' as const, permits: 1, waiters: 0, holders },
    }));

    const lines = lockTable(locks).trimEnd().split('\n');

    expect(lines).toHaveLength(150_001);
    expect(lines[0]).toMatch(/^KEY {11}KIND /);
    expect(lines.at(-1)).toMatch(/^order:149999 {2}exclusive /);
  });
});
