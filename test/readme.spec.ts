import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';

import { compile, type Snippet } from './support/snippets.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FENCE = /^(?<indent> *)```(?:ts|typescript)\b[^\n]*\n(?<code>[\s\S]*?)^\k<indent>```/gm;

const snippets = markdownPages().flatMap(snippetsOf);

describe('TypeScript snippets of README.md and docs/', () => {
  let diagnosticsOf: ((snippet: Snippet) => string[]) | undefined;

  it('exist', () => {
    expect(snippets).not.toHaveLength(0);
  });

  it.each(snippets.map((snippet) => [`${snippet.page}:${snippet.line}`, snippet] as const))(
    '%s compiles',
    (_, snippet) => {
      diagnosticsOf ??= compile(snippets);

      expect(diagnosticsOf(snippet)).toEqual([]);
    },
    300_000,
  );
});

describe('README.zh-CN.md', () => {
  const [english, chinese] = ['README.md', 'README.zh-CN.md'].map((name) =>
    readFileSync(join(ROOT, name), 'utf8'),
  ) as [string, string];

  it('has the sections of README.md', () => {
    const levels = (text: string) => [...text.matchAll(/^(#+) /gm)].map(([, level]) => level);

    expect(levels(chinese)).toEqual(levels(english));
  });

  it('has the code of README.md, to the letter', () => {
    const blocks = (text: string) => text.match(/^```[^]*?^```/gm);

    expect(blocks(chinese)).toEqual(blocks(english));
  });

  it('links to the pages that README.md links to', () => {
    const links = (text: string) =>
      (text.match(/\]\([^)]+\)/g) ?? []).filter(
        (link) => !/README(\.zh-CN)?\.md\)$/.test(link) || link.includes('/'),
      );

    expect(links(chinese).sort()).toEqual(links(english).sort());
  });
});

function markdownPages(): string[] {
  const docs = existsSync(join(ROOT, 'docs'))
    ? readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    : [];
  return ['README.md', ...docs.map((name) => join('docs', name))]
    .filter((page) => page.endsWith('.md') && existsSync(join(ROOT, page)))
    .sort();
}

function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return [...text.matchAll(FENCE)].map((match) => {
    const line = text.slice(0, match.index).split('\n').length + 1;
    const path = join(ROOT, 'docs', `${basename(page, '.md')}-${line}.snippet.ts`);
    return { page, line, path, code: match.groups?.['code'] ?? '' };
  });
}
