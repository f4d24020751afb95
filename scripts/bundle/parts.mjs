import { COMMAND, DOORS, EARLY, ENGINE, MAIN, SUBPATHS } from './entries.mjs';
import { bundlePart, exportsOf, reach } from './factory.mjs';

/**
 * Bundles the package in parts, each module in one of them: in the main entry point's; or in the
 * engine's, when the main one needs it only behind a door; or in the subpath's in whose folder it is.
 *
 * @param {string} js Folder of the compiled modules.
 */
export async function bundleParts(js) {
  const doors = Object.keys(DOORS);
  await Promise.all(doors.map((id) => checkDoor(js, id)));
  const isMain = await reach(js, [`${MAIN}.js`, ...EARLY], (id) => !doors.includes(id));
  const isEngine = await reach(js, doors, (id) => !isMain(id));
  const subpaths = await Promise.all(
    Object.entries({ ...SUBPATHS, ...COMMAND }).map(([name, module]) => {
      const folder = module.slice(0, module.lastIndexOf('/') + 1);
      return bundlePart(js, { name, module, isOwn: (id) => id.startsWith(folder), lent: [] });
    }),
  );
  const borrowed = subpaths.flatMap((part) => part.borrowed);
  const engine = await bundlePart(js, {
    name: ENGINE,
    isOwn: isEngine,
    lent: unique([...doors, ...borrowed.filter(isEngine)]),
  });
  const lent = unique([...EARLY, ...borrowed, ...engine.borrowed]).filter((id) => !isEngine(id));
  const main = await bundlePart(js, {
    name: MAIN,
    module: MAIN,
    isOwn: (id) => isMain(id) || lent.includes(id),
    lent,
  });
  return { main, engine, subpaths };
}

/** Until its part is read, a door stands for the one function that its module exports. */
async function checkDoor(js, id) {
  const names = await exportsOf(js, id);
  if (names.join() !== DOORS[id])
    throw new Error(`${id} must export ${DOORS[id]} alone, as entries.mjs says: ${names}`);
}

function unique(names) {
  return [...new Set(names)];
}
