import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
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

type Format = 'cjs' | 'esm';
/** Bundles `entry` in `folder` to `outfile`. */
type Bundle = (folder: string, entry: string, outfile: string, format: Format) => Promise<void>;

const withEsbuild: Bundle = async (folder, entry, outfile, format) => {
  await build({
    absWorkingDir: folder,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format,
    logLevel: 'silent',
    external: ABSENT,
    ...(format === 'esm' && { banner: { js: REQUIRE } }),
  });
};

/** As far as it is used; installed in this folder alone, which the compiler does not ask for. */
type Webpack = (
  options: object,
  done: (error: Error | null, stats: { hasErrors(): boolean; toString(): string }) => void,
) => void;
type Externals = (
  asked: { readonly request?: string },
  answer: (error?: undefined, external?: string) => void,
) => void;

const withWebpack: Bundle = (folder, entry, outfile, format) => {
  const isEsm = format === 'esm';
  const absent = new RegExp(`^(${ABSENT.join('|').replaceAll('*', '.*')})(/|$)`);
  const externals: Externals = ({ request = '' }, answer) =>
    absent.test(request)
      ? answer(undefined, `${isEsm ? 'node-commonjs' : 'commonjs'} ${request}`)
      : answer();
  const options = {
    mode: 'production',
    target: 'node20',
    context: folder,
    entry: `./${entry}`,
    output: { path: folder, filename: outfile, module: isEsm },
    experiments: { outputModule: isEsm },
    externals,
  };
  const webpack = createRequire(import.meta.url)('webpack') as Webpack;
  return new Promise((resolve, reject) =>
    webpack(options, (error, stats) =>
      error === null && !stats.hasErrors()
        ? resolve()
        : reject(error ?? new Error(stats.toString())),
    ),
  );
};

describe('the packed library in one file with its application', () => {
  const library = sharedLibrary();
  const table = new Table('bundled by');
  afterAll(() => table.print());

  const formats = ['cjs', 'esm'] as const;
  const cases = [
    { bundler: 'esbuild', bundle: withEsbuild },
    { bundler: 'webpack', bundle: withWebpack },
  ].flatMap((each) =>
    formats.flatMap((format) => NEST_VERSIONS.map((nest) => ({ ...each, format, nest }))),
  );
  it.each(cases)(
    'runs, made by $bundler as $format with Nest $nest',
    ({ bundler, bundle, format, nest }) =>
      table.note(`${bundler}, ${format}`, `Nest ${nest}`, async () => {
        const options = { modules: installed(nest), names: PEERS, tarball: library() };
        const files = await PackedPackage.create(options);
        afterTest(() => files.remove());
        const { application } = files;
        const outfile = `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`;
        await writeFile(join(application, 'application.mjs'), APPLICATION);
        await bundle(application, 'application.mjs', outfile, format);
        const { NODE_OPTIONS: _, ...env } = process.env;
        const { stdout } = await run(process.execPath, [outfile], { cwd: application, env });

        expect(stdout).toBe('order:7 function\n');
      }),
    120_000,
  );
});
