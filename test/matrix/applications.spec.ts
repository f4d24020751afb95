import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { afterAll, describe, expect, it } from '@jest/globals';

import { NEST_VERSIONS, sharedLibrary } from '../fixtures/nest-versions.js';
import { ScenarioApplication, type ModuleFormat } from '../fixtures/scenario-application.js';
import { closing } from '../support/after-test.js';
import { Table } from './table.js';

const FORMATS: readonly ModuleFormat[] = ['commonjs', 'module'];
/** By the versions of Nest whose fixtures have them. */
const IOREDIS = { 'ioredis 5.6': 10, 'ioredis 6': 12 } as const;
const NODES = { 'Node 20': process.execPath, 'Node 22': nodeOf(22), 'Node 24': nodeOf(24) };

describe('the packed library', () => {
  const library = sharedLibrary();
  const table = new Table('the packed library in an application');
  afterAll(() => table.print());

  for (const nest of NEST_VERSIONS)
    for (const format of FORMATS)
      for (const [ioredis, ioredisOf] of Object.entries(IOREDIS))
        for (const [name, node] of Object.entries(NODES))
          // npm has these builds of Node.js for Linux on x64 alone.
          (existsSync(node) ? it : it.skip)(
            `locks a handler with Nest ${nest}, ${format}, ${ioredis}, ${name}`,
            () =>
              table.note(`Nest ${nest}, ${format}`, `${name}, ${ioredis}`, async () => {
                const options = { nest, format, ioredisOf, node, tarball: library() };
                const application = closing(await ScenarioApplication.start(options));

                const seen = await application.run('http');

                expect(seen).toMatchObject({ busy: { status: 423 }, counted: 10 });
              }),
          );
});

function nodeOf(version: number): string {
  return fileURLToPath(new URL(`node_modules/node-${version}/bin/node`, import.meta.url));
}
