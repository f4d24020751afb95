import { describe, expect, it } from '@jest/globals';

import { globMatcher } from '../../../lib/memory/glob.js';
import { openClient } from '../../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../../support/shared-redis.js';

const TEXTS = [
  ...['a', 'b', 'z', 'm', '-', ']', '[', '^', '\\', '*', '?', 'é', '日', '{', 'a-', 'ab', 'a]'],
  ...['order:1', 'order:12', 'order:a', 'orders', 'aXbXc', '[a', 'a\nb', 'aé', '日本', '0', '/'],
];
const GLOBS = [
  ...['*', '?', '??', 'a*', '*b', '*X*c', 'order:?', 'order:[0-9]', 'order:[^0-9]', 'order:[0-9]*'],
  ...['[z-a]', '[^z-a]', '[a-]', '[-a]', '[a\\-z]', '[\\]]', '[]', '[^]', '[]a]', '[^]a]', '[^^]'],
  ...[
    '[a',
    '[^a',
    '[',
    '[^',
    '[a-',
    '[a-z',
    '[\\',
    '\\',
    'a\\',
    '\\*',
    '\\?',
    '\\[a',
    '\\\\',
    '[[]',
  ],
  ...[
    '[a-z-9]',
    '[é]',
    '[a-é]',
    '[^é]*',
    '?[^a]',
    '日*',
    '**',
    '*[b]*',
    '{',
    '[*]',
    '[?]',
    'a.',
    '.',
  ],
];

describe('globMatcher', () => {
  it('matches as Redis does, odd classes, ranges and escapes as well', async () => {
    const redis = openClient(sharedRedisUrl());
    const prefix = uniquePrefix();
    for (const text of TEXTS) await redis.set(prefix + text, '1', 'PX', 60_000);

    for (const glob of GLOBS) {
      const matches = globMatcher(glob);
      const found = (await redis.keys(prefix + glob)).map((key) => key.slice(prefix.length));
      expect([glob, TEXTS.filter(matches).sort()]).toEqual([glob, found.sort()]);
    }
  });
});
