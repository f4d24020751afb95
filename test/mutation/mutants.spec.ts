import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, it } from '@jest/globals';

import { MUTANTS } from './mutants.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('rules to be broken stand in the sources, each in one place', () => {
  const places = MUTANTS.map(({ name, file, from }) => {
    return { name, count: readFileSync(ROOT + file, 'utf8').split(from).length - 1 };
  });

  expect(places.filter(({ count }) => count !== 1)).toEqual([]);
  expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
});
