import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { rollUp } from './declarations.mjs';
import { COMMAND, MAIN, SUBPATHS } from './entries.mjs';
import { bundleMain, bundleSubpath } from './factory.mjs';
import { joinMaps } from './source-map.mjs';
import { mainEntry, requiredCore, sharedModule, subpathEntry } from './wrappers.mjs';

/**
 * Writes the package's files. All code stands once, in `cjs/core.js`, as functions of the packages
 * that it uses; the entry points of both module systems are thin and call them.
 *
 * @param {{ js: string; types: string; out: string }} folders Compiled modules, their declarations, where to.
 */
export async function bundle({ js, types, out }) {
  for (const format of ['esm', 'cjs']) mkdirSync(join(out, format), { recursive: true });
  const inputs = Object.entries({ ...SUBPATHS, ...COMMAND });
  const subpaths = await Promise.all(inputs.map((entry) => bundleSubpath(js, ...entry)));
  const shared = [...new Set(subpaths.flatMap((each) => each.shared))];
  const main = await bundleMain(js, MAIN, shared);
  writeCore(out, [main, ...subpaths]);
  writeBoth(out, 'shared', sharedModule(main));
  writeBoth(out, MAIN, mainEntry(main));
  for (const each of subpaths) {
    const { esm, cjs } = subpathEntry(each);
    if (each.name in COMMAND) write(out, `esm/${each.name}.js`, ['#!/usr/bin/env node', ...esm]);
    else writeBoth(out, each.name, { esm, cjs });
  }
  write(out, 'esm/core.js', requiredCore());
  write(out, 'esm/bundled-core.js', [`export { default } from '../cjs/core.js';`]);
  writeFileSync(join(out, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
  await writeDeclarations(types, out);
}

/** Each factory begins on a line of its own, after one that opens its function. */
function writeCore(out, parts) {
  let text = `'use strict';\n`;
  const placed = parts.map(({ name, code, map }) => {
    // Everybody calls the main one: engines compile a function in parentheses at once, not twice.
    const [open, close] = name === MAIN ? ['(', ')'] : ['', ''];
    text += `exports.${name}=${open}function(provide,lazily){const module={exports:{}};\n`;
    const line = text.split('\n').length - 1;
    text += `${code.trimEnd()}\nreturn module.exports}${close};\n`;
    return { map, line };
  });
  const map = joinMaps(placed, (source) => `../../${repositoryPath(source)}`);
  writeFileSync(join(out, 'cjs', 'core.js'), `${text}//# sourceMappingURL=core.js.map\n`);
  writeFileSync(join(out, 'cjs', 'core.js.map'), JSON.stringify(map));
}

/** Of a module that the bundler names from the folder of compiled modules, two below the root. */
function repositoryPath(source) {
  return source.startsWith('../../') ? source.slice('../../'.length) : `lib/${source}`;
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
