import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { transform } from 'esbuild';

const TEXTS = {
  'board-script.js': { name: 'BOARD_SCRIPT', loader: 'js' },
  'board-style.js': { name: 'BOARD_STYLE', loader: 'css' },
};

/** What the board sends to browsers, minified, in place of the modules that it is written in. */
export const pageMinified = {
  name: 'page',
  setup({ onResolve, onLoad }) {
    const filter = /\/page\/(board-script|board-style)\.js$/;
    onResolve({ filter }, ({ path, resolveDir }) => ({
      path: resolve(resolveDir, path),
      namespace: 'page',
    }));
    onLoad({ filter, namespace: 'page' }, async ({ path }) => {
      const { name, loader } = TEXTS[path.slice(path.lastIndexOf('/') + 1)];
      const { [name]: text } = await import(pathToFileURL(path).href);
      const { code } = await transform(text, {
        loader,
        minify: true,
        format: loader === 'js' ? 'esm' : undefined,
      });
      return { contents: `export const ${name} = ${JSON.stringify(code)};` };
    });
  },
};
