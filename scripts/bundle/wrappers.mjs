import { DOORS, ENGINE } from './entries.mjs';
import { SHARED } from './factory.mjs';

/**
 * The files that users load, as an ES module and as CommonJS: they give a factory of core.js the
 * packages of their own module system, and export what it makes.
 */

/**
 * The one instance of the main entry point, and of the engine, that all entry points of a module system
 * share: `shared` gives the modules that one of them asks another for. ES modules have it as `#shared`,
 * in a form of its own for bundlers, which only follow an import.
 */
export function sharedModule(main, engine) {
  const both = (kind) => [...new Set([...main[kind], ...engine[kind]])];
  const all = { packages: both('packages'), lazyPackages: both('lazyPackages') };
  const lines = [
    `let engine;`,
    `const lazily = (id) => lazyPackages[id]();`,
    `const readEngine = () => (engine ??= factories.${ENGINE}((id) => packages[id] ?? shared(id), lazily));`,
    `const opening = (id, name) => ({ [name]: (...given) => readEngine().shared[id][name](...given) });`,
    table(
      'doors',
      Object.keys(DOORS).map((id) => SHARED + id),
      door,
    ),
    `const core = factories.${main.name}((id) => packages[id] ?? doors[id], lazily);`,
    `const shared = (id) => core.shared[id] ?? readEngine().shared[id];`,
  ];
  const exported = [`const { main } = core;`, `export { factories, main, shared };`];
  return {
    esm: [...required('../cjs/core.js'), ...importPackages(all), ...lines, ...exported],
    bundled: [
      `import factories from '../cjs/core.js';`,
      ...importPackages(all),
      ...lines,
      ...exported,
    ],
    cjs: [
      `const factories = require('./core.js');`,
      ...requirePackages(all),
      ...lines,
      `Object.assign(exports, { factories, main: core.main, shared });`,
    ],
  };
}

/** The module that stands for a door until the engine is read. */
function door(id) {
  return `opening('${id}', '${DOORS[id.slice(SHARED.length)]}')`;
}

/** `import` would read all of core.js for the names of its exports first, which takes longer than to run it. */
function required(path) {
  return [
    `import { createRequire } from 'node:module';`,
    `const factories = createRequire(import.meta.url)('${path}');`,
  ];
}

export function mainEntry({ exports }) {
  return {
    esm: [`import { main } from '#shared';`, exportConst(exports, 'main')],
    cjs: [`const { main } = require('./shared.js');`, ...assignExports(exports, 'main')],
  };
}

export function subpathEntry(bundle) {
  const { exports } = bundle;
  return {
    esm: [
      `import { factories, shared } from '#shared';`,
      ...importPackages(bundle),
      exportConst(exports, `${call(bundle)}.main`),
    ],
    cjs: [
      `const { factories, shared } = require('./shared.js');`,
      ...requirePackages(bundle),
      `const entry = ${call(bundle)}.main;`,
      ...assignExports(exports, 'entry'),
    ],
  };
}

function call({ name, lazyPackages }) {
  const lazily = lazyPackages.length > 0 ? ', (id) => lazyPackages[id]()' : '';
  return `factories.${name}((id) => packages[id] ?? shared(id)${lazily})`;
}

function importPackages({ packages, lazyPackages }) {
  return [
    ...packages.map((name, i) => `import * as package${i} from '${name}';`),
    table('packages', packages, (_, i) => `package${i}`),
    ...lazyTable(lazyPackages, (name) => `() => import('${name}')`),
  ];
}

function requirePackages({ packages, lazyPackages }) {
  return [
    table('packages', packages, (name) => `require('${name}')`),
    ...lazyTable(lazyPackages, (name) => `async () => require('${name}')`),
  ];
}

function lazyTable(names, value) {
  return names.length > 0 ? [table('lazyPackages', names, value)] : [];
}

function table(variable, names, value) {
  const lines = names.map((name, i) => `  '${name}': ${value(name, i)},`);
  return [`const ${variable} = {`, ...lines, '};'].join('\n');
}

function exportConst(names, value) {
  return names.length > 0 ? `export const { ${names.join(', ')} } = ${value};` : `${value};`;
}

function assignExports(names, variable) {
  return names.map((name) => `exports.${name} = ${variable}.${name};`);
}
