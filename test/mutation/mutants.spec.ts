import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { expect, it } from '@jest/globals';

import { DEFECTS } from '../simulation/defects.mjs';
import { MUTANTS } from './mutants.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it.each([
  ['the mutants', MUTANTS],
  [
    'the defects of the simulation',
    DEFECTS.flatMap(({ name, edits }) => edits.map((one) => ({ name, ...one }))),
  ],
])('rules to be broken stand in the sources, each in one place: %s', (_, edits) => {
  const places = edits.map(({ name, file, from }) => {
    return { name, count: readFileSync(ROOT + file, 'utf8').split(from).length - 1 };
  });

  expect(places.filter(({ count }) => count !== 1)).toEqual([]);
});

it.each([
  ['mutants', MUTANTS],
  ['defects', DEFECTS],
])('no two %s have one name', (_, rules) => {
  expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
});
