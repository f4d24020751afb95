import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, it } from '@jest/globals';

import { openManager } from '../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';
import { LIBRARIES, type OtherLibrary } from './libraries.js';

const SECTION_MS = 4;
/** How often everybody is served before the change counts as done. */
const ENOUGH = 2;
const OURS = ['ours 0.0', 'ours 0.1', 'ours 1.0', 'ours 1.1'];
const THEIRS = ['theirs 0', 'theirs 1'];

/** Who had the lock how often, and how often two had it at once. */
class Record {
  readonly served = new Map([...OURS, ...THEIRS].map((name) => [name, 0]));
  overlaps = 0;
  #inside = 0;

  get isEnough(): boolean {
    return [...this.served.values()].every((times) => times >= ENOUGH);
  }

  async section(name: string): Promise<void> {
    this.#inside += 1;
    if (this.#inside > 1) this.overlaps += 1;
    await sleep(SECTION_MS);
    this.#inside -= 1;
    this.served.set(name, (this.served.get(name) ?? 0) + 1);
  }
}

/** Two processes of ours beside two of the other library, until each of their callers had the lock. */
async function change(library: OtherLibrary): Promise<Record> {
  const url = sharedRedisUrl();
  const key = uniquePrefix();
  const { keyPrefix } = library;
  const managers = [0, 1].map(() =>
    openManager(url, { keyPrefix, coexist: true, ttl: '20s', wait: '50s' }),
  );
  const theirs = await Promise.all(THEIRS.map(() => library.open(url)));
  const record = new Record();
  const untilEnough = async (name: string, once: () => Promise<unknown>): Promise<void> => {
    while (!record.isEnough) {
      await once();
      // Theirs take turns by chance: no one of them may ask again at once.
      if (THEIRS.includes(name)) await sleep(SECTION_MS);
    }
  };
  await Promise.all([
    ...OURS.map((name, i) =>
      untilEnough(name, () =>
        managers[Math.floor(i / 2)]!.withLock(key, () => record.section(name)),
      ),
    ),
    ...THEIRS.map((name, i) =>
      untilEnough(name, async () => {
        const release = await theirs[i]!(key);
        await record.section(name);
        await release();
      }),
    ),
  ]);
  return record;
}

describe('a rolling change, both libraries lock one key', () => {
  for (const [name, library] of Object.entries(LIBRARIES))
    it(`from ${name} serves the callers of both, one at a time`, async () => {
      const { overlaps, isEnough } = await change(library);

      expect(overlaps).toBe(0);
      expect(isEnough).toBe(true);
    });
});
