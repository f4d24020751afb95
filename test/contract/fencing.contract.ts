import { describe, expect, it } from '@jest/globals';

import { KEY, held, takenOver } from './store-system.js';
import type { Contract } from './store-system.js';

/** The numbers that rise with every grant. */
export function describeFencing({ setUp }: Contract): void {
  describe('fencing numbers', () => {
    it('rise with every grant, reserved blocks and renewals included', async () => {
      const [, a, b] = await setUp(2);
      const blocks: { next: number; last: number }[] = [];
      const token = a.token();
      blocks.push(held(await a.acquire(KEY, token, { fences: 17 })).fences);
      const more = await a.renew(KEY, token, { fences: 1000 });
      blocks.push((more as { fences: (typeof blocks)[0] }).fences);
      blocks.push(held(await a.acquire(KEY, token, { fences: 1 })).fences);
      const waiting = await b.wait(KEY, {}, { fences: 9 });
      await a.release(KEY, token);
      blocks.push((await takenOver(b, KEY, waiting)).fences);
      blocks.push(held(await b.poll(KEY, waiting)).fences);
      await b.release(KEY, waiting);
      blocks.push(held(await a.acquire(KEY, a.token())).fences);

      expect(blocks.map(({ next, last }) => last - next + 1)).toEqual([17, 1000, 1, 9, 9, 1]);
      for (const [i, block] of blocks.slice(1).entries())
        expect(block.next).toBeGreaterThan(blocks[i]!.last);
    });

    it('are not reserved by a renewal that asks for none', async () => {
      const [, a] = await setUp(1);
      const token = await a.take(KEY);

      const { fences } = (await a.renew(KEY, token)) as {
        fences: { next: number; last: number };
      };

      expect(fences.last).toBeLessThan(fences.next);
    });
  });
}
