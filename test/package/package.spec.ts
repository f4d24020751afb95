import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import ts from 'typescript';

import { PackedPackage, type ExportTarget } from './packed-package.js';

const CONSUMER = `
import { Module } from '@nestjs/common';
import { isLockError, Locked, LockService, RedisLockModule, type Lock } from 'nestjs-redis-lock';
import { LockBoardModule } from 'nestjs-redis-lock/board';
import { LockMetricsModule } from 'nestjs-redis-lock/prometheus';
import { LockHealthIndicator } from 'nestjs-redis-lock/terminus';
import { expectLocked, LockTesting, LockTestingModule } from 'nestjs-redis-lock/testing';
import { LockTracingModule } from 'nestjs-redis-lock/tracing';

class Orders {
  constructor(private readonly locks: LockService) {}

  @Locked('order:{0}', { ttl: '5s', wait: 0 })
  async pay(id: string): Promise<string> {
    return id;
  }

  async count(signal: AbortSignal | undefined, wait: number | undefined): Promise<number> {
    const task = (lock: Lock) => lock.fencingToken;
    return this.locks.withLock('orders', task, { wait, signal });
  }
}

@Module({
  imports: [
    RedisLockModule.forRoot({ connection: 'memory', ttl: undefined, name: undefined }),
    LockBoardModule.forRoot({ path: 'locks', guards: 'none', allowRelease: undefined }),
    LockMetricsModule.forRoot(),
    LockTestingModule.forRoot({ name: 'other', wait: '1s' }),
    LockTracingModule.forRoot(),
  ],
  providers: [Orders, LockHealthIndicator],
})
export class AppModule {}

export const busy = async (testing: LockTesting): Promise<Lock> => testing.makeBusy('k');
expectLocked satisfies (key: string) => void;
export const code = (error: unknown): string => (isLockError(error) ? error.code : 'none');
`;

describe('the packed package', () => {
  let packed: PackedPackage;

  beforeAll(async () => {
    packed = await PackedPackage.create();
  }, 300_000);

  afterAll(async () => {
    await packed?.remove();
  });

  it('contains what its exports name, and neither sources nor tests, docs or the sample', async () => {
    const { exports } = await packed.manifest();
    const targets = Object.values(exports).flatMap(pathsOf);

    expect(targets.filter((path) => !existsSync(join(packed.directory, path)))).toEqual([]);
    expect((await readdir(packed.directory)).sort()).toEqual(
      ['CHANGELOG.md', 'LICENSE', 'README.md', 'README.zh-CN.md', 'dist', 'package.json'].sort(),
    );
  });

  it('is at most 40 files of 900 kB together', async () => {
    const files = await filesOf(packed.directory);
    const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));

    expect(files.length).toBeLessThanOrEqual(40);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(900_000);
  });

  it.each([
    ['core', 'nest/service/lock.service'],
    ['engine', 'engine/lock-manager'],
    ['subpaths', 'board/lock-board.module'],
  ])('has a source map of %s with all sources inside', async (name, module) => {
    const path = join(packed.directory, 'dist', 'cjs', `${name}.js.map`);
    const { sources, sourcesContent } = JSON.parse(await readFile(path, 'utf8'));

    expect(sources).toContain(`../../lib/${module}.js`);
    expect(sourcesContent).toHaveLength(sources.length);
    expect(sourcesContent.filter((text: unknown) => typeof text !== 'string')).toEqual([]);
  });

  const uses = [
    ['a lock service', "new LockService({ connection: 'memory' })"],
    ['a module', "RedisLockModule.forRoot({ connection: 'memory' })"],
    ['a decorator', "Locked('stock')({ sell() {} }, 'sell', { value() {} })"],
  ] as const;
  const types = ['commonjs', 'module'] as const;
  it.each(uses.flatMap(([what, use]) => types.map((type) => ({ what, use, type }))))(
    'reads the engine with $what ($type)',
    async ({ use, type }) => {
      const load = type === 'module' ? 'await import' : 'require';
      const code = `
      ${load}('reflect-metadata');
      const { cache } = process.getBuiltinModule('node:module').createRequire(process.cwd() + '/x.js');
      const parts = () => Object.keys(cache).flatMap((path) => /(core|engine|subpaths).js$/.exec(path)?.[1] ?? []);
      const { Locked, LockService, RedisLockModule } = ${load}('nestjs-redis-lock');
      const before = parts();
      ${use};
      console.log(before.join(), parts().join());`;

      expect(await packed.evaluate(code, type)).toBe('core core,engine');
    },
  );

  it.each(types)('tells timers that a test moves before the engine is read (%s)', async (type) => {
    const load = type === 'module' ? 'await import' : 'require';
    const code = `(async () => {
      const { mock } = ${load}('node:test');
      const { LockService } = ${load}('nestjs-redis-lock');
      mock.timers.enable({ apis: ['setTimeout'] });
      const locks = new LockService({ connection: 'memory' });
      await locks.acquire('k');
      let code;
      locks.acquire('k', { wait: 500 }).catch((error) => (code = error.code));
      for (let i = 0; i < 40 && code === undefined; i += 1) {
        await new Promise(setImmediate);
        mock.timers.tick(50);
      }
      console.log(code);
      process.exit();
    })();`;

    expect(await packed.evaluate(code, type)).toBe('LOCK_TIMEOUT');
  });

  it('leads from an error to the line that threw it', async () => {
    const code = `
      process.setSourceMapsEnabled(true);
      const { LockService } = require('nestjs-redis-lock');
      try { new LockService({ connection: 'memory', ttl: -1 }); } catch ({ stack }) {
        console.log(stack.split('\\n').filter((line) => line.includes('/lib/')).join());
      }`;

    expect(await packed.evaluate(code, 'commonjs')).toMatch(/resolve.*options\.check\.js:\d+/);
  });

  it('gives require and import the same LockService', async () => {
    const fromCommonJs = `
      const required = require('nestjs-redis-lock');
      import('nestjs-redis-lock').then((imported) =>
        console.log(typeof required.LockService, required.LockService === imported.LockService));`;
    const fromModule = `
      import { createRequire } from 'node:module';
      import * as imported from 'nestjs-redis-lock';
      const required = createRequire(process.cwd() + '/x.js')('nestjs-redis-lock');
      console.log(typeof required.LockService, required.LockService === imported.LockService);`;

    expect(await packed.evaluate(fromCommonJs, 'commonjs')).toBe('function true');
    expect(await packed.evaluate(fromModule, 'module')).toBe('function true');
  });

  it.each(['prometheus', 'tracing', 'terminus', 'board', 'testing'])(
    'loads /%s in both builds',
    async (path) => {
      const code = (load: string) => `
      const main = ${load}('nestjs-redis-lock'), sub = ${load}('nestjs-redis-lock/${path}');
      Promise.all([main, sub]).then((exports) => console.log(exports.map((each) => Object.keys(each).length > 0)));`;

      expect(await packed.evaluate(code('require'), 'commonjs')).toBe('[ true, true ]');
      expect(await packed.evaluate(code('import'), 'module')).toBe('[ true, true ]');
    },
  );

  it('has the same exports in both builds, under their own names', async () => {
    const code = `
      const cjs = require('./node_modules/nestjs-redis-lock/dist/cjs/index.js');
      import('./node_modules/nestjs-redis-lock/dist/esm/index.js').then((esm) =>
        console.log(JSON.stringify([cjs, esm].map((build) => Object.entries(build).sort()
          .map(([name, value]) => [name, value.name])))));`;

    const [cjs, esm] = JSON.parse(await packed.evaluate(code, 'commonjs'));

    expect(cjs).toEqual(esm);
    expect(cjs).toEqual(cjs.map(([name]: [string]) => [name, name]));
    expect(cjs).toContainEqual(['RedisLockModule', 'RedisLockModule']);
  });

  it('says so when two copies are loaded, whose errors know each other', async () => {
    const code = `
      process.on('warning', ({ code }) => console.log(code));
      const cjs = require('./node_modules/nestjs-redis-lock/dist/cjs/index.js');
      import('./node_modules/nestjs-redis-lock/dist/esm/index.js').then((esm) => {
        const error = new esm.LockShutdownError(['k']);
        console.log(cjs.LockService === esm.LockService, cjs.isLockError(error), error instanceof cjs.LockError);
      });`;

    const lines = (await packed.evaluate(code, 'commonjs')).split('\n').sort();

    expect(lines).toEqual(['NESTJS_REDIS_LOCK_COPIES', 'false true true']);
  });

  it.each([
    ['an ES module', 'consumer.mts', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
    ['a CommonJS module', 'consumer.cts', ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext],
    ['a bundled module', 'consumer.ts', ts.ModuleKind.ESNext, ts.ModuleResolutionKind.Bundler],
  ])(
    'type-checks in %s, its declarations too',
    async (_, name, module, moduleResolution) => {
      const path = join(packed.application, name);
      await writeFile(path, CONSUMER);

      expect(typeErrors(path, packed, { module, moduleResolution })).toEqual([]);
    },
    300_000,
  );
});

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

function pathsOf(target: ExportTarget): string[] {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(pathsOf);
}

/** Faults in the application's file and in our declarations; those of peers are theirs. */
function typeErrors(
  path: string,
  { application, directory }: PackedPackage,
  options: ts.CompilerOptions,
): string[] {
  const program = ts.createProgram([path], {
    ...options,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts'],
    types: ['node'],
    typeRoots: [join(application, 'node_modules', '@types')],
    strict: true,
    exactOptionalPropertyTypes: true,
    experimentalDecorators: true,
    noEmit: true,
  });
  return program
    .getSourceFiles()
    .filter(({ fileName }) => fileName === path || fileName.startsWith(directory))
    .flatMap((file) => [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ])
    .map(({ file, messageText }) => {
      return `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
}
