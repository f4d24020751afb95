import { execFile } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, describe, it } from '@jest/globals';

import { NEST_VERSIONS, sharedLibrary } from '../fixtures/nest-versions.js';
import { installed } from '../fixtures/scenario-application.js';
import { PackedPackage } from '../package/packed-package.js';
import { afterTest } from '../support/after-test.js';
import { PEERS, Table } from './table.js';

const run = promisify(execFile);
const TEST = `
class Root {}

test('a service that locks', async () => {
  const imports = [RedisLockModule.forRoot({ connection: 'memory' })];
  const app = await NestFactory.createApplicationContext({ module: Root, imports }, { logger: false });
  const locks = app.get(LockService);
  await locks.withLock('order:7', async () => {
    expect(locks.current('order:7')?.key).toBe('order:7');
  });
  await app.close();
});

test('a lock that is busy on purpose', async () => {
  const imports = [LockTestingModule.forRoot({ wait: 0 })];
  const app = await NestFactory.createApplicationContext({ module: Root, imports }, { logger: false });
  const busy = await app.get(LockTesting).makeBusy('order:7');
  await expect(app.get(LockService).acquire('order:7')).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
  await busy.release();
  await app.get(LockService).withLock('order:7', () => expectLocked('order:7'));
  await app.close();
});
`;
const REQUIRED = `
const { NestFactory } = require('@nestjs/core');
const { LockService, RedisLockModule } = require('nestjs-redis-lock');
const { expectLocked, LockTesting, LockTestingModule } = require('nestjs-redis-lock/testing');
${TEST}`;
const IMPORTED = `
import { NestFactory } from '@nestjs/core';
import { LockService, RedisLockModule } from 'nestjs-redis-lock';
import { expectLocked, LockTesting, LockTestingModule } from 'nestjs-redis-lock/testing';
${TEST}`;

describe('the packed library in a unit test of an application', () => {
  const library = sharedLibrary();
  const table = new Table('tested by');
  afterAll(() => table.print());

  for (const nest of NEST_VERSIONS) {
    // Before Node 24.9 the CommonJS of jest takes no package that is only ESM.
    (nest < 12 ? it : it.skip)(
      `passes in jest with Nest ${nest}`,
      () =>
        table.note('jest', `Nest ${nest}`, async () => {
          const { application } = await applicationOf(nest);
          await writeFile(join(application, 'package.json'), '{ "jest": { "transform": {} } }');
          await writeFile(join(application, 'locks.test.js'), REQUIRED);
          const jest = fileURLToPath(
            new URL('../../node_modules/jest/bin/jest.js', import.meta.url),
          );

          await succeed(application, [jest, '--rootDir', application]);
        }),
      120_000,
    );

    it(
      `passes in vitest with Nest ${nest}`,
      () =>
        table.note('vitest', `Nest ${nest}`, async () => {
          const { application } = await applicationOf(nest);
          const tools = fileURLToPath(new URL('node_modules', import.meta.url));
          await symlink(join(tools, 'vitest'), join(application, 'node_modules', 'vitest'));
          await writeFile(join(application, 'package.json'), '{ "type": "module" }');
          await writeFile(join(application, 'locks.test.js'), IMPORTED);
          const vitest = join(tools, 'vitest', 'vitest.mjs');

          await succeed(application, [vitest, 'run', '--globals', '--root', application]);
        }),
      120_000,
    );
  }

  async function applicationOf(nest: (typeof NEST_VERSIONS)[number]): Promise<PackedPackage> {
    const options = { modules: installed(nest), names: PEERS, tarball: library() };
    const files = await PackedPackage.create(options);
    afterTest(() => files.remove());
    return files;
  }
});

/** Rejects with what the program printed when it fails. */
async function succeed(cwd: string, args: string[]): Promise<void> {
  const { NODE_OPTIONS: _, JEST_WORKER_ID: __, ...env } = process.env;
  await run(process.execPath, args, { cwd, env }).catch(({ stdout, stderr }) => {
    throw new Error(`${stdout}\n${stderr}`);
  });
}
