import { describe, expect, it } from '@jest/globals';

import { COMMAND_MS } from './store-party.js';
import { KEY } from './store-system.js';
import type { Contract } from './store-system.js';

/** Looking at locks without changing them. */
export function describeInspect({ setUp, where }: Contract): void {
  describe('inspect', () => {
    it('tells the holder, the lease and nobody waiting', async () => {
      const [, a, b] = await setUp(2);
      const token = await a.take(KEY, { ttl: 5000 });

      const seen = await b.store.inspect(KEY);

      expect(seen).toMatchObject({ token, waiters: new Map() });
      expect(seen!.leaseLeft).toBeGreaterThan(4000);
      expect(seen!.leaseLeft).toBeLessThanOrEqual(5000);
    });

    where('order')('tells who waits, in order', async () => {
      const [, a, b, c] = await setUp(3);
      await a.take(KEY);
      const first = await b.wait(KEY);
      const second = await c.wait(KEY);

      expect(await a.store.queue(KEY)).toMatchObject([{ token: first }, { token: second }]);
    });

    where('order')('counts waiting callers by process, as last reported', async () => {
      const [, a, b, c] = await setUp(3);
      const token = await a.take(KEY);
      const many = await b.wait(KEY, { queue: { callers: 1234 } });
      await c.wait(KEY, { queue: { callers: 2 } });
      await a.renew(KEY, token, { callers: 5 });

      const counted = async () => (await a.store.inspect(KEY))!.waiters;

      const all = [
        [a.boot, 5],
        [b.boot, 1234],
        [c.boot, 2],
      ] as const;
      expect(await counted()).toEqual(new Map(all));
      await b.store.poll({
        key: KEY,
        token: many,
        until: performance.now() + COMMAND_MS,
        callers: 3,
      });
      expect((await counted()).get(b.boot)).toBe(3);
      await b.release(KEY, many);
      expect((await counted()).has(b.boot)).toBe(false);
    });

    it('changes nothing', async () => {
      const [system, a] = await setUp(1);

      expect(await a.store.inspect(KEY)).toBeNull();

      expect((await system.leftovers()) ?? []).toEqual([]);
    });
  });

  describe('keys', () => {
    it('lists what is locked, by glob, and nothing else', async () => {
      const [, a, b] = await setUp(2);
      const names = ['order:1', 'order:2', 'order:10', 'stock:1', 'a*b', 'axb', 'with\nnewline'];
      for (const name of names) await a.take(name);
      await b.wait('order:1');
      const list = async (match: string): Promise<string[]> => {
        const found = new Set<string>();
        for await (const page of b.store.keys(match)) for (const key of page) found.add(key);
        return [...found].sort();
      };

      expect(await list('*')).toEqual([...names].sort());
      expect(await list('order:?')).toEqual(['order:1', 'order:2']);
      expect(await list('order:[1-9]')).toEqual(['order:1', 'order:2']);
      expect(await list('order:[^1]')).toEqual(['order:2']);
      expect(await list('a\\*b')).toEqual(['a*b']);
      expect(await list('a*b')).toEqual(['a*b', 'axb']);
      expect(await list('with*')).toEqual(['with\nnewline']);
      expect(await list('nothing*')).toEqual([]);
    });

    it('shows no lock that was released', async () => {
      const [, a] = await setUp(1);
      await a.release(KEY, await a.take(KEY));

      for await (const page of a.store.keys('*')) expect(page).toEqual([]);
    });
  });
}
