import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

const HELPERS = fileURLToPath(new URL('decorate.mjs', import.meta.url));
const SHARED = 'shared:';

/**
 * Bundles an entry point to the body of a function of `provide` and `lazily`, which give it the
 * packages that it uses.
 *
 * @param {string} js Folder of the compiled modules.
 * @param {string} name Of the entry point.
 * @param {string} module Its module in `js`, without extension.
 */
export async function bundleSubpath(js, name, module) {
  const input = join(js, `${module}.js`);
  const own = resolve(input, '..');
  return bundle(js, name, { entryPoints: [input], plugins: [sharing(js, own)] }, input);
}

/**
 * Bundles the main entry point: its exports, and the modules that the others share with it.
 *
 * @param {readonly string[]} shared Names of these modules.
 */
export async function bundleMain(js, name, shared) {
  const lines = shared.map((id, i) => `import * as m${i} from './${id.slice(SHARED.length)}';`);
  const table = shared.map((id, i) => `${JSON.stringify(id)}: m${i}`);
  const contents = [
    `export * as main from './${name}.js';`,
    ...lines,
    `export const shared = { ${table.join(', ')} };`,
  ].join('\n');
  const stdin = { contents, resolveDir: js, sourcefile: join(js, 'entry.js') };
  return bundle(js, name, { stdin }, join(js, `${name}.js`));
}

async function bundle(js, name, input, module) {
  const options = { bundle: true, platform: 'node', target: 'node20', packages: 'external' };
  const { outputFiles, metafile } = await build({
    ...options,
    ...input,
    plugins: [namesKept(js), ...(input.plugins ?? [])],
    absWorkingDir: js,
    outfile: join(js, `${name}.bundle.js`),
    inject: [HELPERS],
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers: true,
    sourcemap: 'external',
    metafile: true,
    write: false,
  });
  const file = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text;
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  const names = (keep) => [...new Set(imports.filter(keep).map(({ path }) => path))].toSorted();
  return {
    name,
    code: provided(file('.js')),
    map: JSON.parse(file('.map')),
    exports: await exportsOf(options, module),
    shared: names(({ path }) => path.startsWith(SHARED)),
    packages: names(({ path, kind }) => kind === 'require-call' && !isOwn(path)),
    lazyPackages: names(({ kind }) => kind === 'dynamic-import'),
  };
}

/** Words of one length: the source map stays true. */
function provided(code) {
  return code
    .replaceAll('import("', 'lazily("')
    .replaceAll(/\brequire\("([^"]+)"\)/g, (call, path) =>
      isBuiltin(path) ? call : `provide("${path}")`,
    );
}

function isOwn(path) {
  return isBuiltin(path) || path.startsWith(SHARED);
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

/** Modules outside the folder of a subpath come from the main entry point, which has their only copy. */
function sharing(js, own) {
  return {
    name: 'sharing',
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
        const file = resolve(resolveDir, path);
        if (file.startsWith(own) || file === HELPERS) return undefined;
        return { path: SHARED + relative(js, file), external: true };
      });
    },
  };
}

async function exportsOf(options, module) {
  const { metafile } = await build({
    ...options,
    entryPoints: [module],
    format: 'esm',
    metafile: true,
    write: false,
    outfile: module.replace(/\.js$/, '.exports.js'),
    define: {},
  });
  return Object.values(metafile.outputs)[0].exports.toSorted();
}
