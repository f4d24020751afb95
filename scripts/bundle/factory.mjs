import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

import { pageMinified } from './page.mjs';

const HELPERS = fileURLToPath(new URL('decorate.mjs', import.meta.url));
/** Begins the name by which a part asks for a module of another. */
export const SHARED = 'shared:';
/** The module that a part begins with, which is made here. */
export const ENTRY = 'entry.js';
const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  packages: 'external',
  metafile: true,
  write: false,
};

/**
 * Of which modules a part consists that begins with some.
 *
 * @param {string} js Folder of the compiled modules.
 * @param {readonly string[]} ids The modules it begins with.
 * @param {(id: string) => boolean} isOwn Whether a module that they import may belong to it.
 */
export async function reach(js, ids, isOwn) {
  const { metafile } = await build({
    ...OPTIONS,
    entryPoints: ids.map((id) => join(js, id)),
    outdir: js,
    plugins: [borrowing(js, isOwn)],
    absWorkingDir: js,
  });
  return (id) => id in metafile.inputs;
}

/**
 * Bundles a part to the body of a function of `provide` and `lazily`, which give it the packages that
 * it uses and the modules that it borrows from other parts. It returns what `module` exports, as
 * `main`, and the modules that it lends, as `shared`.
 *
 * @param {{ name: string; module?: string; isOwn: (id: string) => boolean; lent: readonly string[] }} part
 */
export async function bundlePart(js, { name, module, isOwn, lent }) {
  const lines = lent.map((id, i) => `import * as m${i} from './${id}';`);
  const table = lent.map((id, i) => `${JSON.stringify(SHARED + id)}: m${i}`);
  const contents = [
    ...(module === undefined ? [] : [`export * as main from './${module}.js';`]),
    ...lines,
    `export const shared = { ${table.join(', ')} };`,
  ].join('\n');
  const stdin = { contents, resolveDir: js, sourcefile: join(js, ENTRY) };
  const { outputFiles, metafile } = await build({
    ...OPTIONS,
    stdin,
    plugins: [pageMinified, namesKept(js), borrowing(js, isOwn)],
    absWorkingDir: js,
    outfile: join(js, `${name}.bundle.js`),
    inject: [HELPERS],
    format: 'cjs',
    minify: true,
    sourcemap: 'external',
  });
  const file = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text;
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const names = (keep) => [...new Set(imports.filter(keep).map(({ path }) => path))].toSorted();
  return {
    name,
    code: provided(file('.js')),
    map: JSON.parse(file('.map')),
    exports: module === undefined ? [] : await exportsOf(js, `${module}.js`),
    borrowed: names(isBorrowed).map((path) => path.slice(SHARED.length)),
    packages: names(
      ({ path, kind }) => kind === 'require-call' && !isBuiltin(path) && !isBorrowed({ path }),
    ),
    lazyPackages: names(({ kind }) => kind === 'dynamic-import'),
  };
}

function isBorrowed({ path }) {
  return path.startsWith(SHARED);
}

/** Words of one length: the source map stays true. */
function provided(code) {
  return code
    .replaceAll('import("', 'lazily("')
    .replaceAll(/\brequire\("([^"]+)"\)/g, (call, path) =>
      isBuiltin(path) ? call : `provide("${path}")`,
    );
}

/** The first line of a class, and of an exported function, as the compiler writes it. */
const CLASS = /^(\s*(?:export )?(?:let (?:\w+ = )+)?class (\w+)(?: extends .+)? \{)$/gm;
const FUNCTION = /^export (?:async )?function (\w+)/gm;

/**
 * Gives classes and functions their names back: errors are told by them, and Nest's messages. The bundler's
 * own way names every arrow function each time that it is made, which made a hand-over twice as dear.
 */
function namesKept(js) {
  return {
    name: 'names',
    setup({ onLoad }) {
      onLoad({ filter: /\.js$/ }, ({ path }) => {
        if (!path.startsWith(js)) return undefined;
        const code = readFileSync(path, 'utf8');
        const functions = [...code.matchAll(FUNCTION)].map(
          ([, name]) => `__named(${name}, "${name}");`,
        );
        const classes = code.replaceAll(CLASS, '$1 static { __named(this, "$2"); }');
        return { contents: [classes, ...functions].join('\n') };
      });
    },
  };
}

/**
 * Modules that are not a part's own come from the one that has their only copy: their exports are
 * taken from there once, by names that the bundler may shorten.
 */
function borrowing(js, isOwn) {
  return {
    name: 'borrowing',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path);
        const id = relative(js, file);
        return file === HELPERS || isOwn(id) ? undefined : { path: id, namespace: SHARED };
      });
      onResolve({ filter: new RegExp(`^${SHARED}`) }, ({ path }) => ({ path, external: true }));
      onLoad({ filter: /^/, namespace: SHARED }, async ({ path }) => {
        const names = await exportsOf(js, path);
        return { contents: `export const { ${names.join(', ')} } = require('${SHARED}${path}');` };
      });
    },
  };
}

export async function exportsOf(js, id) {
  const input = { entryPoints: [join(js, id)], external: ['./*', '../*'], format: 'esm' };
  const { metafile } = await build({ ...OPTIONS, ...input });
  return Object.values(metafile.outputs)[0].exports.toSorted();
}
