import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
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
import { LockTracingModule } from 'nestjs-redis-lock/tracing';

class Orders {
  constructor(private readonly locks: LockService) {}

  @Locked('order:{0}', { ttl: '5s', wait: 0 })
  async pay(id: string): Promise<string> {
    return id;
  }

  async count(): Promise<number> {
    const task = (lock: Lock) => lock.fencingToken;
    return this.locks.withLock('orders', task, { wait: '2s' });
  }
}

@Module({
  imports: [
    RedisLockModule.forRoot({ connection: 'memory' }),
    LockBoardModule.forRoot({ path: 'locks', guards: 'none' }),
    LockMetricsModule.forRoot(),
    LockTracingModule.forRoot(),
  ],
  providers: [Orders, LockHealthIndicator],
})
export class AppModule {}

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

  it('contains what its exports name, and neither tests nor the sample', async () => {
    const { exports } = await packed.manifest();
    const targets = Object.values(exports).flatMap(pathsOf);

    expect(targets.filter((path) => !existsSync(join(packed.directory, path)))).toEqual([]);
    expect(await readdir(packed.directory)).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'dist', 'lib', 'package.json']),
    );
    expect(existsSync(join(packed.directory, 'test'))).toBe(false);
    expect(existsSync(join(packed.directory, 'sample-app'))).toBe(false);
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

  it.each(['prometheus', 'tracing', 'terminus', 'board'])(
    'loads /%s in both builds',
    async (path) => {
      const code = (load: string) => `
      const main = ${load}('nestjs-redis-lock'), sub = ${load}('nestjs-redis-lock/${path}');
      Promise.all([main, sub]).then((exports) => console.log(exports.map((each) => Object.keys(each).length > 0)));`;

      expect(await packed.evaluate(code('require'), 'commonjs')).toBe('[ true, true ]');
      expect(await packed.evaluate(code('import'), 'module')).toBe('[ true, true ]');
    },
  );

  it('has the same exports in both builds', async () => {
    const code = `
      const names = (exports) => Object.keys(exports).filter((name) => name !== '__esModule').sort();
      const cjs = names(require('./node_modules/nestjs-redis-lock/dist/cjs/index.js'));
      import('./node_modules/nestjs-redis-lock/dist/esm/index.js').then((esm) =>
        console.log(JSON.stringify([cjs, names(esm)])));`;

    const [cjs, esm] = JSON.parse(await packed.evaluate(code, 'commonjs'));

    expect(cjs).toEqual(esm);
    expect(cjs).toContain('RedisLockModule');
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
