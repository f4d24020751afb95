import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { rollUp } from './declarations.mjs';
import { COMMAND, ENGINE, MAIN, SUBPATHS } from './entries.mjs';
import { ENTRY } from './factory.mjs';
import { bundleParts } from './parts.mjs';
import { joinMaps } from './source-map.mjs';
import { mainEntry, sharedModule, subpathEntry } from './wrappers.mjs';

/**
 * Writes the package's files. All code stands once, as functions of the packages that it uses: that of
 * the main entry point in `cjs/core.js`, the engine and the subpaths in files that it reads when they
 * are asked for. The entry points of both module systems are thin and call these functions.
 *
 * @param {{ js: string; types: string; out: string }} folders Compiled modules, their declarations, where to.
 */
export async function bundle({ js, types, out }) {
  for (const format of ['esm', 'cjs']) mkdirSync(join(out, format), { recursive: true });
  const { main, engine, subpaths } = await bundleParts(js);
  const others = { [ENGINE]: [engine], subpaths };
  writeFactories(out, 'core', [main], others);
  for (const [file, parts] of Object.entries(others)) writeFactories(out, file, parts);
  const { bundled, ...both } = sharedModule(main, engine);
  writeBoth(out, 'shared', both);
  write(out, 'esm/bundled.js', bundled);
  writeBoth(out, MAIN, mainEntry(main));
  for (const each of subpaths) {
    const { esm, cjs } = subpathEntry(each);
    if (each.name in COMMAND) write(out, `esm/${each.name}.js`, ['#!/usr/bin/env node', ...esm]);
    else writeBoth(out, each.name, { esm, cjs });
  }
  writeFileSync(join(out, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
  await writeDeclarations(types, out);
}

/**
 * Each factory begins on a line of its own, after one that opens its function.
 *
 * @param {Record<string, readonly { name: string }[]>} others Parts in other files, which are read when they are called.
 */
function writeFactories(out, file, parts, others = {}) {
  let text = `'use strict';\n`;
  const placed = parts.map(({ name, code, map }) => {
    // Called at once when it is alone: then V8 compiles a function in parentheses once, not twice.
    const [open, close] = parts.length === 1 ? ['(', ')'] : ['', ''];
    text += `exports.${name}=${open}function(provide,lazily){const module={exports:{}};\n`;
    const line = text.split('\n').length - 1;
    text += `${code.trimEnd()}\nreturn module.exports}${close};\n`;
    return { map, line };
  });
  for (const [other, names] of Object.entries(others))
    for (const { name } of names)
      text += `exports.${name}=(provide,lazily)=>require('./${other}.js').${name}(provide,lazily);\n`;
  const map = joinMaps(placed, pathFromDist);
  writeFileSync(join(out, 'cjs', `${file}.js`), `${text}//# sourceMappingURL=${file}.js.map\n`);
  writeFileSync(join(out, 'cjs', `${file}.js.map`), JSON.stringify(map));
}

/** Modules that are no files are named after what makes them. */
const IS_MADE = /^\w+:/;

/** Of a module that the bundler names from the folder of compiled modules, two below the root. */
function pathFromDist(source) {
  if (source === ENTRY || IS_MADE.test(source)) return undefined;
  return source.startsWith('../../') ? source : `../../lib/${source}`;
}

/** The ES modules' declarations are those of CommonJS: one `LockService` for the compiler too. */
async function writeDeclarations(types, out) {
  for (const [name, module] of [[MAIN, MAIN], ...Object.entries(SUBPATHS)]) {
    write(out, `cjs/${name}.d.ts`, [await rollUp(types, module)]);
    write(out, `esm/${name}.d.ts`, [`export * from '../cjs/${name}.js';`]);
  }
}

function writeBoth(out, name, { esm, cjs }) {
  write(out, `esm/${name}.js`, esm);
  write(out, `cjs/${name}.js`, [`'use strict';`, ...cjs]);
}

function write(out, path, lines) {
  writeFileSync(join(out, path), `${lines.join('\n').trimEnd()}\n`);
}
