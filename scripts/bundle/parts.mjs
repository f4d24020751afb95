import { COMMAND, ENGINE, MAIN, SUBPATHS } from './entries.mjs';
import { bundlePart, reach } from './factory.mjs';

/**
 * Bundles the package in parts, each module in one of them: in the main entry point's; or in the
 * engine's, when the main one needs it only behind that; or in the subpath's in whose folder it is.
 *
 * @param {string} js Folder of the compiled modules.
 */
export async function bundleParts(js) {
  const isMain = await reach(js, MAIN, (id) => id !== `${ENGINE.module}.js`);
  const isEngine = await reach(js, ENGINE.module, (id) => !isMain(id));
  const subpaths = await Promise.all(
    Object.entries({ ...SUBPATHS, ...COMMAND }).map(([name, module]) => {
      const folder = module.slice(0, module.lastIndexOf('/') + 1);
      return bundlePart(js, { name, module, isOwn: (id) => id.startsWith(folder), lent: [] });
    }),
  );
  const borrowed = unique(subpaths.flatMap((part) => part.borrowed));
  const engine = await bundlePart(js, {
    ...ENGINE,
    isOwn: isEngine,
    lent: borrowed.filter(isEngine),
  });
  const lent = unique([...borrowed, ...engine.borrowed]).filter((id) => !isEngine(id));
  const main = await bundlePart(js, {
    name: MAIN,
    module: MAIN,
    isOwn: (id) => isMain(id) || lent.includes(id),
    lent,
  });
  return { main, engine, subpaths };
}

function unique(names) {
  return [...new Set(names)];
}
