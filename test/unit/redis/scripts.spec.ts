import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { RedisScript } from '../../../lib/redis/scripts/define-script.js';
import { acquireSetScript } from '../../../lib/redis/scripts/acquire-set.script.js';
import { acquireScript } from '../../../lib/redis/scripts/acquire.script.js';
import { inspectScript } from '../../../lib/redis/scripts/inspect.script.js';
import { moveScript } from '../../../lib/redis/scripts/move.script.js';
import { pollScript } from '../../../lib/redis/scripts/poll.script.js';
import { queueScript } from '../../../lib/redis/scripts/queue.script.js';
import { raiseScript } from '../../../lib/redis/scripts/raise.script.js';
import { releaseScript } from '../../../lib/redis/scripts/release.script.js';
import { renewScript } from '../../../lib/redis/scripts/renew.script.js';
import { revokeScript } from '../../../lib/redis/scripts/revoke.script.js';

const FOLDER = fileURLToPath(new URL('../../../lib/redis/scripts', import.meta.url));
const SCRIPTS: Record<string, RedisScript> = {
  'acquire-set.script.ts': acquireSetScript,
  'acquire.script.ts': acquireScript,
  'inspect.script.ts': inspectScript,
  'move.script.ts': moveScript,
  'poll.script.ts': pollScript,
  'queue.script.ts': queueScript,
  'raise.script.ts': raiseScript,
  'release.script.ts': releaseScript,
  'renew.script.ts': renewScript,
  'revoke.script.ts': revokeScript,
};

/** The comment above `defineScript`, without asterisks. */
function headerOf(file: string): string {
  const text = readFileSync(`${FOLDER}/${file}`, 'utf8');
  const [, header = ''] =
    /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*export const \w+ = defineScript/.exec(text) ?? [];
  return header.replaceAll(/^\s*\* ?/gm, '');
}

/** Positions that one part of a header lists: `KEYS  1 lock  2 queue`. */
function listed(header: string, part: 'KEYS' | 'ARGV'): number[] {
  const [, text = ''] =
    new RegExp(`^${part}((?:(?!^(?:KEYS|ARGV|Reply|Cost))[^])*)`, 'm').exec(header) ?? [];
  return [...text.matchAll(/(?:^|\s\s)(\d)\s/g)].map(([, position]) => Number(position));
}

describe('scripts', () => {
  it('are all known to this test', () => {
    const files = readdirSync(FOLDER).filter(
      (file) =>
        file.endsWith('.script.ts') &&
        !['shared', 'holders', 'promote', 'doubt', 'coexist'].includes(
          file.replace('.script.ts', ''),
        ),
    );

    expect(files.sort()).toEqual(Object.keys(SCRIPTS).sort());
  });

  it.each(Object.entries(SCRIPTS))(
    '%s says what goes in, what comes out and what it costs',
    (file, script) => {
      const header = headerOf(file);

      expect(header).toMatch(/^KEYS {2}1 /m);
      expect(header).toMatch(/^Reply /m);
      expect(header).toMatch(/^Cost {2}/m);
      if (file !== 'renew.script.ts') {
        for (const part of ['KEYS', 'ARGV'] as const) {
          const used = [...script.lua.matchAll(new RegExp(`${part}\\[(\\d+)\\]`, 'g'))].map(
            ([, n]) => Number(n),
          );
          const known = listed(header, part);
          expect({
            part,
            unlisted: used.filter((n) => !known.includes(n) && !(part === 'KEYS' && n === 4)),
          }).toEqual({
            part,
            unlisted: [],
          });
        }
      }
    },
  );

  it.each(Object.values(SCRIPTS))('$name knows of other libraries only where asked', (script) => {
    const added = '\nlocal freeFor = ';

    expect(script.lua + script.sharded.lua).not.toContain(added);
    expect(script.coexisting.single.lua.includes(added)).toBe(script.lua.includes('promote'));
    expect(script.coexisting.sharded.lua.includes(added)).toBe(script.lua.includes('promote'));
  });

  it.each(Object.values(SCRIPTS))(
    '$name has the digest of its text, and takes time from Redis only',
    (script) => {
      expect(script.sha1).toBe(createHash('sha1').update(script.lua).digest('hex'));
      expect(script.lua).not.toMatch(/os\.time|os\.clock|math\.random/);
      // No key is built in Lua: a key that is not declared would be in another slot.
      for (const [, call = ''] of script.coexisting.single.lua.matchAll(
        /redis\.p?call\('(?!PUBLISH|TIME)[A-Z]+', ([^,)]+)/g,
      ))
        expect(call).toMatch(/^(lock|queue|alive|holders|counter|KEYS\[i \* 4 \+ \d\])$/);
    },
  );
});
