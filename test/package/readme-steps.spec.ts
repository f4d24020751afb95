import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';
import { transform } from '@swc/core';

import { sharedLibrary } from '../fixtures/nest-versions.js';
import { printed } from '../sample/sample-build.js';
import { afterTest, closing } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient } from '../support/managers.js';
import { reapAtExit } from '../support/reaper.mjs';
import { RedisServer } from '../support/redis-server.js';
import { freePort } from '../support/spawn-redis.mjs';
import { PackedPackage } from './packed-package.js';

const README = fileURLToPath(new URL('../../README.md', import.meta.url));
/** `it` and `expect`, as far as the unit test needs them. */
const RUNNER = `
import { equal } from 'node:assert/strict';
globalThis.expect = (value) => ({ toBeNull: () => equal(value, null) });
globalThis.it = async (name, body) => { await body(); console.log(name); };
`;
/** What the text says beside the code. */
const WIRED = {
  imports: `
import { ScheduleModule } from '@nestjs/schedule';
import { Invoices } from './invoices.js';
import { OrdersController } from './orders.controller.js';
`,
  module: `@Module({
  controllers: [OrdersController],
  providers: [Invoices],
  imports: [
    ScheduleModule.forRoot(),`,
};

describe.each(['es6', 'commonjs'] as const)('the steps of README.md, compiled to %s', (type) => {
  const library = sharedLibrary();

  it('make an application that answers for a busy order as shown, and ends at SIGTERM', async () => {
    const redis = closing(await RedisServer.start());
    const client = openClient(redis.url);
    const port = String(await freePort());
    const folder = await follow(type, library());
    const main = start(folder, 'main.js', { REDIS_URL: redis.url, PORT: port });
    await printed(main, /successfully started/);
    // Nest says so just before it listens.
    await eventually(() => fetch(`http://localhost:${port}/`));
    const [command, answer] = [await blocks('sh'), await blocks('http')].map((all) => all.at(-1));
    const path = /localhost:3000(?<path>\/\S+)/.exec(command!)?.groups?.['path'];
    const pay = () => fetch(`http://localhost:${port}${path}`, { method: 'POST' });
    const paid = pay();
    await eventually(async () => expect(await client.exists('lock:order:7')).toBe(1));

    const busy = await pay();

    const head = `HTTP/1.1 ${busy.status} ${busy.statusText}`;
    const retryAfter = `Retry-After: ${busy.headers.get('retry-after')}`;
    expect(`${head}\n${retryAfter}\n\n${await busy.text()}\n`).toBe(answer);
    expect(await (await paid).text()).toBe('Order 7 is paid.');
    main.kill('SIGTERM');
    await once(main, 'close');
    expect(main.signalCode).toBe('SIGTERM');
  });

  it('make a unit test that passes without Redis', async () => {
    const folder = await follow(type, library());

    await printed(start(folder, 'orders.spec.js'), /gets no lock that another has/);
  });
});

/** Blocks of code in README.md, in its first section that has them: the steps. */
async function blocks(language: string): Promise<string[]> {
  const [steps] = (await readFile(README, 'utf8')).split('\n## When ');
  const fence = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm');
  return [...steps!.matchAll(fence)].map(([, code]) => code!);
}

/** Makes the application of README.md; resolves with its folder. */
async function follow(type: 'es6' | 'commonjs', tarball: string): Promise<string> {
  const files = await PackedPackage.create({ tarball });
  afterTest(() => files.remove());
  const [main, orders, invoices, reports, unit] = await blocks('ts');
  const sources = {
    main: WIRED.imports + main!.replace('@Module({\n  imports: [', WIRED.module),
    // The second request has to come while the first one pays, also where the machine stands still.
    'orders.controller': orders!.replace('charge(5000)', 'charge(9000)'),
    invoices: invoices!,
    reports: reports!,
    'orders.spec': RUNNER + unit!,
  };
  for (const [name, source] of Object.entries(sources)) {
    const { code } = await transform(source, {
      swcrc: false,
      module: { type },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
    });
    await writeFile(join(files.application, `${name}.js`), code);
  }
  const manifest = { type: type === 'es6' ? 'module' : 'commonjs' };
  await writeFile(join(files.application, 'package.json'), JSON.stringify(manifest));
  return files.application;
}

function start(cwd: string, file: string, more: Record<string, string> = {}): ChildProcess {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const stdio = ['ignore', 'pipe', 'inherit'] as const;
  const child = reapAtExit(
    spawn(process.execPath, [file], { cwd, env: { ...env, ...more }, stdio: [...stdio] }),
  );
  afterTest(() => child.kill('SIGKILL'));
  return child;
}
