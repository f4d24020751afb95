import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from '@jest/globals';

import { sharedLibrary } from '../fixtures/nest-versions.js';
import { PackedPackage } from '../package/packed-package.js';
import { printed } from '../sample/sample-build.js';
import { afterTest, closing } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { reapAtExit } from '../support/reaper.mjs';
import { RedisServer } from '../support/redis-server.js';

const PACKAGES = ['@nestjs', '@types', 'ioredis', 'reflect-metadata', 'rxjs', 'typescript'];
const SETTINGS = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    rootDir: 'src',
    outDir: 'dist',
  },
  include: ['src'],
};

/** Holds a lock from its start to its end, with a lease that is longer than the test. */
const application = (version: number) => `
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { LockService, RedisLockModule } from 'nestjs-redis-lock';

const connection = process.env['REDIS_URL']!;
@Module({ imports: [RedisLockModule.forRoot({ connection, ttl: '10m', shutdownTimeout: 0 })] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
app.enableShutdownHooks();
await app.get(LockService).acquire('leader', { wait: '1m' });
console.log('version ${version} leads');
setInterval(() => {}, 60_000);
`;

describe('nest start --watch', () => {
  const library = sharedLibrary();

  it('starts a changed application anew, which gets the lock of the one before', async () => {
    const redis = closing(await RedisServer.start());
    const client = openClient(redis.url);
    const connections = async () => String(await client.client('LIST')).split('\n').length;
    const files = await PackedPackage.create({ names: PACKAGES, tarball: library() });
    afterTest(() => files.remove());
    const folder = files.application;
    const main = join(folder, 'src', 'main.ts');
    await mkdir(join(folder, 'src'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    await writeFile(join(folder, 'nest-cli.json'), '{ "sourceRoot": "src" }');
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(SETTINGS));
    await writeFile(main, application(1));
    const nest = watch(folder, redis.url);
    await printed(nest, /version 1 leads/);
    const before = await connections();

    await writeFile(main, application(2));
    await printed(nest, /version 2 leads/);

    await eventually(async () => expect(await connections()).toBe(before));
    expect(await client.exists('lock:leader')).toBe(1);
  }, 300_000);
});

function watch(cwd: string, url: string): ChildProcess {
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const cli = join(cwd, 'node_modules', '@nestjs', 'cli', 'bin', 'nest.js');
  const nest = reapAtExit(
    spawn(process.execPath, [cli, 'start', '--watch'], {
      cwd,
      env: { ...inherited, REDIS_URL: url },
      stdio: ['ignore', 'pipe', 'inherit'],
      // With its application, whose parent it is.
      detached: true,
    }),
  );
  afterTest(async () => {
    const ended = once(nest, 'close');
    process.kill(-nest.pid!, 'SIGKILL');
    await ended;
  });
  return nest;
}
