import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { beforeAll, afterAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';

import { freePort } from '../support/spawn-redis.mjs';

const ENTRY = fileURLToPath(new URL('support/bundled-app.ts', import.meta.url));
const WS = fileURLToPath(new URL('../../node_modules/ws', import.meta.url));
const LIB = fileURLToPath(new URL('../../lib/index.ts', import.meta.url));
/** Code of CommonJS that is bundled calls `require`. */
const REQUIRE =
  "import { createRequire as nodeRequire } from 'node:module';\nconst require = nodeRequire(import.meta.url);";

/** What Nest loads on demand, and this application does not have. */
const ABSENT = [
  '@fastify/*',
  'kafkajs',
  'mqtt',
  '@nats-io/*',
  'amqp*',
  'class-validator',
  'class-transformer',
];

describe('an application in one minified file', () => {
  let folder = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bundle-'));
    // Nest's adapter looks for it by name.
    await mkdir(join(folder, 'node_modules'));
    await symlink(WS, join(folder, 'node_modules', 'ws'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const bundle = async (): Promise<string> => {
    const outfile = join(folder, 'app.mjs');
    await build({
      entryPoints: [ENTRY],
      outfile,
      bundle: true,
      minify: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      alias: { 'nestjs-redis-lock': LIB },
      banner: { js: REQUIRE },
      external: ABSENT,
      tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    });
    return outfile;
  };

  it('answers a busy lock over RPC and WebSocket as documented', async () => {
    const file = await bundle();
    const run = promisify(execFile)(process.execPath, [file, String(await freePort())], {
      cwd: folder,
    });
    const { stdout, stderr } = await run;
    const message = 'This resource is busy. Try again later.';
    const payload = (key: string) => ({ status: 'error', message, code: 'LOCK_TIMEOUT', key });

    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      rpc: [payload('order'), payload('')],
      ws: [
        { event: 'exception', data: payload('order') },
        { event: 'exception', data: payload('') },
      ],
    });
  });
});
