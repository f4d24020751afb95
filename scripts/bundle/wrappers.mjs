import { ENGINE } from './entries.mjs';
import { SHARED } from './factory.mjs';

/**
 * The files that users load, as an ES module and as CommonJS: they give a factory of core.js the
 * packages of their own module system, and export what it makes.
 */

/**
 * The one instance of the main entry point, and of the engine, that all entry points of a module system
 * share: `shared` gives the modules that one of them asks another for.
 */
export function sharedModule(main, engine) {
  const packages = [...new Set([...main.packages, ...engine.packages])];
  const all = { ...main, packages };
  const { name, module, opens } = ENGINE;
  const lines = [
    `let engine;`,
    `const readEngine = () => (engine ??= factories.${name}((id) => packages[id] ?? shared(id)));`,
    `const unread = { ${opens}: (...given) => readEngine().main.${opens}(...given) };`,
    table('late', [`${SHARED}${module}.js`], () => 'unread'),
    `const core = factories.${main.name}((id) => packages[id] ?? late[id], (id) => lazyPackages[id]());`,
    `const shared = (id) => core.shared[id] ?? readEngine().shared[id];`,
  ];
  return {
    esm: [...importPackages(all), ...lines, `const { main } = core;`, `export { main, shared };`],
    cjs: [
      ...requirePackages(all),
      ...lines,
      `Object.assign(exports, { main: core.main, shared });`,
    ],
  };
}

/**
 * What `#core` is for ES modules outside bundlers: `import` would read all of core.js for the names
 * of its exports first, which takes longer than to run it.
 */
export function requiredCore() {
  return [
    `import { createRequire } from 'node:module';`,
    `export default createRequire(import.meta.url)('../cjs/core.js');`,
  ];
}

export function mainEntry({ exports }) {
  return {
    esm: [`import { main } from './shared.js';`, exportConst(exports, 'main')],
    cjs: [`const { main } = require('./shared.js');`, ...assignExports(exports, 'main')],
  };
}

export function subpathEntry(bundle) {
  const { exports } = bundle;
  return {
    esm: [
      ...importPackages(bundle),
      `import { shared } from './shared.js';`,
      exportConst(exports, `${call(bundle)}.main`),
    ],
    cjs: [
      ...requirePackages(bundle),
      `const { shared } = require('./shared.js');`,
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
    `import factories from '#core';`,
    table('packages', packages, (_, i) => `package${i}`),
    ...lazyTable(lazyPackages, (name) => `() => import('${name}')`),
  ];
}

function requirePackages({ packages, lazyPackages }) {
  return [
    `const factories = require('./core.js');`,
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
