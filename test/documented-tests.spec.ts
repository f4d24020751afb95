import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';
import * as common from '@nestjs/common';
import * as testing from '@nestjs/testing';
import { transformSync } from '@swc/core';

import * as library from '../lib/index.js';
import * as helpers from '../lib/testing/index.js';

const PACKAGES: Readonly<Record<string, unknown>> = {
  '@nestjs/common': common,
  '@nestjs/testing': testing,
  'nestjs-redis-lock': library,
  'nestjs-redis-lock/testing': helpers,
};
const TESTS = ['README.md', 'docs/testing.md'].flatMap(testsOf);

describe('unit tests that the documents show', () => {
  it('are found', () => {
    expect(TESTS.length).toBeGreaterThan(3);
  });

  it.each(TESTS)('$page: $name', ({ body }) => body());
});

/** Those of the blocks of a page that have any. */
function testsOf(page: string): { page: string; name: string; body: () => Promise<void> }[] {
  const text = readFileSync(fileURLToPath(new URL(`../${page}`, import.meta.url)), 'utf8');
  return [...text.matchAll(/^```ts\n([^]*?)^```/gm)]
    .map(([, code]) => code!)
    .filter((code) => /^it\(/m.test(code))
    .flatMap((code) => collected(code).map((test) => ({ page, ...test })));
}

function collected(source: string): { name: string; body: () => Promise<void> }[] {
  const { code } = transformSync(source, {
    swcrc: false,
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  });
  const tests: { name: string; body: () => Promise<void> }[] = [];
  const collect = (name: string, body: () => Promise<void>) => tests.push({ name, body });
  const load = (name: string) => PACKAGES[name];
  // oxlint-disable-next-line typescript/no-implied-eval
  new Function('exports', 'require', 'it', 'expect', code)({}, load, collect, expect);
  return tests;
}
