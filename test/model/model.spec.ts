import { describe, expect, it } from '@jest/globals';

import { look, SOUND, UNSOUND } from './runs.js';

/** More than any of these has. */
const MAX_STATES = 2_000_000;
const LONG_MS = 600_000;

describe('the protocol, state by state', () => {
  it.each(SOUND)(
    'keeps its invariants, and reaches a clean end from everywhere: $name',
    (run) => {
      const { line, violation, complete } = look(run, MAX_STATES);
      console.log(line);

      expect(violation).toBeUndefined();
      expect(complete).toBe(true);
    },
    LONG_MS,
  );

  it.each(UNSOUND)(
    'is caught with a rule left out, as $violates: $name',
    (run) => {
      const { line, violation } = look(run, MAX_STATES);
      console.log(line);

      expect(violation?.what).toMatch(new RegExp(`^${run.violates}`));
    },
    LONG_MS,
  );
});
