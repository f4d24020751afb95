import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, describe, expect, it } from '@jest/globals';

import { NEST_VERSIONS, sharedLibrary } from '../fixtures/nest-versions.js';
import { afterTest } from '../support/after-test.js';
import { sharedRedisUrl } from '../support/shared-redis.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../support/spawn-redis.mjs';
import { Table } from './table.js';

const run = promisify(execFile);
const PNPM = fileURLToPath(new URL('node_modules/pnpm/bin/pnpm.cjs', import.meta.url));
/** What an application with an HTTP server names; it gets nothing that it does not name. */
const NAMED = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  'ioredis',
  'reflect-metadata',
  'rxjs',
];
const STRICT = ['--config.hoist=false', '--config.node-linker=isolated'];
const APPLICATION = `
class Root {}
const imports = [RedisLockModule.forRoot({ connection: process.env.REDIS_URL, keyPrefix: 'pnpm:' })];
NestFactory.create({ module: Root, imports }, { logger: ['error'] }).then(async (app) => {
  await app.listen(0, '127.0.0.1');
  console.log(await app.get(LockService).withLock('order:7', (lock) => lock.key));
  await app.close();
});
`;
const PROGRAMS: Readonly<Record<string, string>> = {
  'application.mjs': `
import { NestFactory } from '@nestjs/core';
import { LockService, RedisLockModule } from 'nestjs-redis-lock';
${APPLICATION}`,
  'application.cjs': `
const { NestFactory } = require('@nestjs/core');
const { LockService, RedisLockModule } = require('nestjs-redis-lock');
${APPLICATION}`,
};

describe('the packed library, installed by pnpm without hoisting', () => {
  const library = sharedLibrary();
  const table = new Table('installed by pnpm, hoist=false');
  afterAll(() => table.print());

  it.each(NEST_VERSIONS.map((nest) => [nest] as const))(
    'locks in an application with Nest %d, as a module and as CommonJS',
    (nest) =>
      table.note('application.mjs, .cjs', `Nest ${nest}`, async () => {
        const folder = makeTemporaryDirectory();
        afterTest(() => removeTemporaryDirectory(folder));
        const dependencies = {
          'nestjs-redis-lock': `file:${library()}`,
          ...(await versions(nest)),
        };
        await writeFile(join(folder, 'package.json'), JSON.stringify({ dependencies }));
        const { NODE_OPTIONS: _, ...inherited } = process.env;
        const env = { ...inherited, REDIS_URL: sharedRedisUrl(), CI: 'true' };
        const args = [PNPM, 'install', '--ignore-scripts', ...STRICT];
        await run(process.execPath, args, { cwd: folder, env });

        for (const [name, program] of Object.entries(PROGRAMS)) {
          await writeFile(join(folder, name), program);
          const { stdout, stderr } = await run(process.execPath, [name], { cwd: folder, env });

          expect(stderr).toBe('');
          expect(stdout).toBe('order:7\n');
        }
      }),
    300_000,
  );
});

/** The versions that the fixture has. */
async function versions(nest: number): Promise<Record<string, string>> {
  const file = new URL(`../fixtures/nest${nest}/package.json`, import.meta.url);
  const { dependencies } = JSON.parse(await readFile(file, 'utf8'));
  return Object.fromEntries(NAMED.map((name) => [name, dependencies[name]]));
}
