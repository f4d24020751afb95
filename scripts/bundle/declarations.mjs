import { join, resolve } from 'node:path';

import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

/**
 * Rolls the declarations of an entry point up into one text.
 *
 * @param {string} types Folder of the compiled declarations.
 * @param {string} module The entry point's, without extension.
 */
export async function rollUp(types, module) {
  const main = join(types, 'index.d.ts');
  const bundle = await rollup({
    input: join(types, `${module}.d.ts`),
    external: (id, importer) =>
      importer !== undefined && (!/^[./]/.test(id) || resolve(importer, '..', id) === main),
    plugins: [dts()],
  });
  try {
    const { output } = await bundle.generate({ format: 'es' });
    // Files of several folders in lib/ stand beside each other in dist/.
    return output[0].code.replaceAll("'../index.js'", "'./index.js'");
  } finally {
    await bundle.close();
  }
}
