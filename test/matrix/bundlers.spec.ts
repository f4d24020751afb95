import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';

import { NEST_VERSIONS, sharedLibrary } from '../fixtures/nest-versions.js';
import { installed } from '../fixtures/scenario-application.js';
import { PackedPackage } from '../package/packed-package.js';
import { afterTest } from '../support/after-test.js';
import { PEERS, Table } from './table.js';

const run = promisify(execFile);
/** What Nest loads on demand, and this application does not have. */
const ABSENT = ['@nestjs/microservices', '@nestjs/websockets', '@nestjs/platform-*', 'class-*'];
/** Code of CommonJS that is bundled as a module calls `require`. */
const REQUIRE =
  "import { createRequire as nodeRequire } from 'node:module';\nconst require = nodeRequire(import.meta.url);";
const APPLICATION = `
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { LockService, RedisLockModule } from 'nestjs-redis-lock';
import { LockTesting, LockTestingModule } from 'nestjs-redis-lock/testing';

class Root {}
const imports = [RedisLockModule.forRoot({ connection: 'memory' }), LockTestingModule.forRoot({ name: 'other' })];
NestFactory.createApplicationContext({ module: Root, imports }, { logger: ['error'] }).then(async (app) => {
  console.log(await app.get(LockService).withLock('order:7', (lock) => lock.key), typeof LockTesting);
  await app.close();
});
`;

describe('the packed library in one file with its application', () => {
  const library = sharedLibrary();
  const table = new Table('bundled by');
  afterAll(() => table.print());

  for (const nest of NEST_VERSIONS)
    for (const format of ['cjs', 'esm'] as const)
      it(
        `runs, made by esbuild as ${format} with Nest ${nest}`,
        () =>
          table.note(`esbuild, ${format}`, `Nest ${nest}`, async () => {
            const options = { modules: installed(nest), names: PEERS, tarball: library() };
            const files = await PackedPackage.create(options);
            afterTest(() => files.remove());
            const { application } = files;
            const [entry, outfile] = [
              'application.mjs',
              `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`,
            ];
            await writeFile(join(application, entry), APPLICATION);
            await build({
              absWorkingDir: application,
              entryPoints: [entry],
              outfile,
              bundle: true,
              platform: 'node',
              format,
              logLevel: 'silent',
              external: ABSENT,
              ...(format === 'esm' && { banner: { js: REQUIRE } }),
            });
            const { NODE_OPTIONS: _, ...env } = process.env;
            const { stdout } = await run(process.execPath, [outfile], { cwd: application, env });

            expect(stdout).toBe('order:7 function\n');
          }),
        120_000,
      );
});
