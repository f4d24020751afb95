import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LINK = /\]\((?<file>[^)#\s:]*)(?:#(?<heading>[^)\s]+))?\)/g;

interface Link {
  readonly from: string;
  /** Below the root. */
  readonly to: string;
  readonly heading: string | undefined;
}

const pages = pagesBelow('docs');
const readers = ['README.md', 'README.zh-CN.md', 'CONTRIBUTING.md', ...pagesBelow('examples')];

describe('the pages of docs/', () => {
  it('are reached by links from docs/index.md, each', () => {
    const reached = new Set(['docs/index.md']);
    for (const page of reached)
      for (const { to } of linksOf(page)) if (to.startsWith('docs/')) reached.add(to);

    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });

  it('are in the sidebar of the site, those of folders by their README', async () => {
    const { default: site } = await import(join(ROOT, 'site/.vitepress/config.mjs'));
    const sidebar: { items: { link: string }[] }[] = site.themeConfig.sidebar;
    const links = new Set(sidebar.flatMap(({ items }) => items.map(({ link }) => link)));
    const own = pages
      .filter((page) => !/\/.*\//.test(page) || page.endsWith('/README.md'))
      .map((page) => page.replace(/^docs|README\.md$|\.md$/g, ''));

    expect(own.filter((page) => page !== '/index' && !links.has(page))).toEqual([]);
  });

  it('link to files and headings that exist, as README.md and the examples do', () => {
    const broken = [...pages, ...readers].flatMap(linksOf).filter((link) => !leadsSomewhere(link));

    expect(broken).toEqual([]);
  });
});

function pagesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

function linksOf(page: string): Link[] {
  return [...textOf(page).matchAll(LINK)].map(({ groups }): Link => {
    const { file, heading } = groups as { file: string; heading: string | undefined };
    const to = file === '' ? page : join(dirname(page), file);
    return { from: page, to, heading };
  });
}

function leadsSomewhere({ to, heading }: Link): boolean {
  if (!existsSync(join(ROOT, to))) return false;
  return heading === undefined || headingsOf(to).includes(heading);
}

/** As GitHub names them. */
function headingsOf(page: string): string[] {
  return [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, text]) =>
    text!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Without its blocks of code. */
function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8').replace(/^ *```[^]*?^ *```/gm, '');
}
