import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, describe, expect, it } from '@jest/globals';

import { NEST_VERSIONS, sharedLibrary } from '../fixtures/nest-versions.js';
import { installed } from '../fixtures/scenario-application.js';
import { PackedPackage } from '../package/packed-package.js';
import { afterTest } from '../support/after-test.js';
import { PEERS, Table } from './table.js';

const run = promisify(execFile);
const COMPILERS = ['5.0', '5.4', '5.9', '6.0', '7.0'];
const FILES = ['consumer.mts', 'consumer.cts'];
const SETTINGS = {
  compilerOptions: {
    target: 'es2022',
    module: 'nodenext',
    moduleResolution: 'nodenext',
    types: [],
    strict: true,
    skipLibCheck: true,
    experimentalDecorators: true,
    noEmit: true,
  },
  files: FILES,
};
const CONSUMER = `
import { Module } from '@nestjs/common';
import { Locked, LockService, RedisLockModule, type Lock } from 'nestjs-redis-lock';

class Orders {
  constructor(private readonly locks: LockService) {}

  @Locked('order:{0}', { ttl: '5s', wait: 0 })
  async pay(id: string): Promise<string> {
    return id;
  }

  async count(): Promise<number> {
    return this.locks.withLock('orders', (lock: Lock) => lock.fencingToken, { wait: '2s' });
  }
}

@Module({ imports: [RedisLockModule.forRoot({ connection: 'memory' })], providers: [Orders] })
export class AppModule {}
`;

describe('the declarations of the packed library', () => {
  const library = sharedLibrary();
  const table = new Table('compiled by');
  afterAll(() => table.print());

  for (const compiler of COMPILERS)
    for (const nest of NEST_VERSIONS)
      it(
        `are understood by TypeScript ${compiler} with Nest ${nest}`,
        () =>
          table.note(`TypeScript ${compiler}`, `Nest ${nest}`, async () => {
            const modules = installed(nest);
            const files = await PackedPackage.create({ modules, names: PEERS, tarball: library() });
            afterTest(() => files.remove());
            for (const file of FILES) await writeFile(join(files.application, file), CONSUMER);
            await writeFile(join(files.application, 'package.json'), '{ "type": "module" }');
            await writeFile(join(files.application, 'tsconfig.json'), JSON.stringify(SETTINGS));

            expect(await faultsOf(compiler, files.application)).toBe('');
          }),
        120_000,
      );
});

/** What the compiler complains of: of the application and of the library; peers answer for themselves. */
async function faultsOf(compiler: string, folder: string): Promise<string> {
  const tsc = fileURLToPath(
    compiler === '6.0'
      ? new URL('../../node_modules/typescript/bin/tsc', import.meta.url)
      : new URL(`node_modules/typescript-${compiler}/bin/tsc`, import.meta.url),
  );
  const args = [tsc, '--project', folder];
  const failed = (error: { stdout: string; stderr: string }) => error;
  const { stdout, stderr } = await run(process.execPath, args, { cwd: folder }).catch(failed);
  return stdout + stderr;
}
