import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Bundles a program that is written in TypeScript, and returns its path.
 *
 * @param {string} entry
 * @param {readonly { file: string, from: string, to: string }[]} edits Where its sources are to be read otherwise.
 */
export async function bundleTs(entry, edits = []) {
  // Where its imports of packages are found.
  const name = entry.replaceAll(/\W+/g, '-');
  const outfile = `${root}node_modules/.cache/run-ts/${name}-${process.pid}.mjs`;
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    keepNames: true,
    logLevel: 'error',
    plugins: [{ name: 'edits', setup: (plugin) => edit(plugin, edits) }],
  });
  return outfile;
}

/**
 * @param {import('esbuild').PluginBuild} plugin
 * @param {readonly { file: string, from: string, to: string }[]} edits
 */
function edit(plugin, edits) {
  const files = new Map(edits.map(({ file }) => [join(root, file), file]));
  plugin.onLoad({ filter: /\.ts$/ }, ({ path }) => {
    const file = files.get(path);
    if (file === undefined) return undefined;
    let contents = readFileSync(path, 'utf8');
    for (const { from, to } of edits.filter((one) => one.file === file)) {
      if (!contents.includes(from)) throw new Error(`${file} does not hold "${from}" any more.`);
      contents = contents.replace(from, () => to);
    }
    return { contents, loader: 'ts' };
  });
}
