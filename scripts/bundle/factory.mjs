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
    absWorkingDir: js,
    outfile: join(js, `${name}.bundle.js`),
    inject: [HELPERS],
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers: true,
    keepNames: true,
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

/** How the bundler gives a function or a class its name back. */
const KEEP_NAME = /=\((\w),(\w)\)=>(\w+)\(\1,"name",\{value:\2,configurable:!0\}\)/;
/** Arrow functions are made for every lock: to name each costs more than to call it. */
const KEEP_NAME_ONCE = '=($1,$2)=>$1.prototype?$3($1,"name",{value:$2}):$1  ';

/** Words of one length: the source map stays true. */
function provided(code) {
  if (!KEEP_NAME.test(code)) throw new Error('The bundler keeps names in another way.');
  return code
    .replace(KEEP_NAME, KEEP_NAME_ONCE)
    .replaceAll('import("', 'lazily("')
    .replaceAll(/\brequire\("([^"]+)"\)/g, (call, path) =>
      isBuiltin(path) ? call : `provide("${path}")`,
    );
}

function isOwn(path) {
  return isBuiltin(path) || path.startsWith(SHARED);
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
