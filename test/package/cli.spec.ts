import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

import { beforeEach, describe, expect, it } from '@jest/globals';

import type { LockManager } from '../../lib/engine/lock-manager.js';
import { afterTest } from '../support/after-test.js';
import { eventually } from '../support/eventually.js';
import { openClient, openManager } from '../support/managers.js';
import { sharedRedisUrl, uniquePrefix } from '../support/shared-redis.js';

const MAIN = fileURLToPath(new URL('../../dist/esm/cli.js', import.meta.url));
const HOSTILE = 'k\u001b[2J\u001b]0;owned\u0007\r\n\u202e"<img onerror=x>"\u009b31m';

let keyPrefix: string;
let manager: LockManager;
beforeEach(() => {
  keyPrefix = uniquePrefix();
  manager = openManager(sharedRedisUrl(), { keyPrefix });
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const { NODE_OPTIONS: _, REDIS_URL: __, ...inherited } = process.env;
  return new Promise((resolve) => {
    const options = { env: { ...inherited, ...env } };
    const child = execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), stdout, stderr });
    });
    child.stdin?.end();
  });
}

const onRedis = (...args: string[]): Promise<Outcome> =>
  run([...args, '--url', sharedRedisUrl(), '--prefix', keyPrefix]);

describe('nestjs-redis-lock', () => {
  it('lists who holds what, as a table and as JSON', async () => {
    await manager.acquire('order:7', { label: 'Orders.pay' });
    await manager.acquire('order:8');
    const { code, stdout } = await onRedis('list');
    const json = await onRedis('list', '--json');

    expect(code).toBe(0);
    expect(stdout.split('\n')[0]).toMatch(/^KEY +KIND +HELD BY +HOST +PID +LEASE LEFT +WAITING$/);
    expect(stdout).toMatch(
      new RegExp(`order:7 +exclusive +Orders.pay .*${process.pid} +\\d+\\.\\d s +0`),
    );
    expect(JSON.parse(json.stdout)).toMatchObject([
      { key: 'order:7', holders: [{ label: 'Orders.pay', pid: process.pid }] },
      { key: 'order:8' },
    ]);
  });

  it('takes the URL from REDIS_URL, and says when no lock is held', async () => {
    const env = { REDIS_URL: sharedRedisUrl() };
    expect(await run(['list', '--prefix', keyPrefix], env)).toMatchObject({
      code: 0,
      stdout: 'No lock is held.\n',
    });
  });

  it('inspects one lock, free or held', async () => {
    expect((await onRedis('inspect', 'k')).stdout).toBe('"k" is free.\n');
    expect((await onRedis('inspect', 'k', '--json')).stdout).toBe('null\n');
    await manager.acquire('k');
    expect(JSON.parse((await onRedis('inspect', 'k', '--json')).stdout)).toMatchObject({
      key: 'k',
    });
  });

  it('releases a lock with --yes, and not when nobody can be asked', async () => {
    const lock = await manager.acquire('k');
    const unasked = await onRedis('release', 'k');
    expect(unasked).toMatchObject({ code: 1, stderr: expect.stringContaining('--yes') });
    expect(lock.signal.aborted).toBe(false);

    const released = await onRedis('release', 'k', '--yes');
    expect(released).toMatchObject({ code: 0, stdout: '"k" is released.\n' });
    await eventually(() => expect(lock.signal.aborted).toBe(true));
    expect(await onRedis('release', 'k', '--yes')).toMatchObject({
      code: 1,
      stdout: '"k" is free.\n',
    });
  });

  it('leaves the lock of another library alone', async () => {
    const redis = openClient(sharedRedisUrl());
    await redis.set(`${keyPrefix}k`, 'foreign', 'PX', 60_000);

    expect((await onRedis('release', 'k', '--yes')).code).toBe(1);
    expect((await onRedis('list')).stdout).toContain('another library');
    expect(await redis.get(`${keyPrefix}k`)).toBe('foreign');
  });

  it('shows hostile keys and labels as text that no terminal obeys', async () => {
    await manager.acquire(HOSTILE, { label: '\u001b[31mroot\u2028' });
    const outputs = [
      (await onRedis('list')).stdout,
      (await onRedis('list', '--json')).stdout,
      (await onRedis('inspect', HOSTILE)).stdout,
      (await onRedis('release', HOSTILE, '--yes')).stdout,
    ];

    for (const text of outputs) {
      expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
    expect(JSON.parse(outputs[1]!)).toMatchObject([{ key: HOSTILE }]);
  });

  it('ends with code 1 and the reason when Redis can not be used, never with a password', async () => {
    const away = await run(['list', '--url', 'redis://user:secret@127.0.0.1:1']);
    const refused = await run(['list', '--url', sharedRedisUrl().replace('//', '//user:secret@')]);

    expect(away).toMatchObject({ code: 1, stdout: '' });
    expect(away.stderr).toMatch(/Redis at 127\.0\.0\.1:1 can't be used: .*ECONNREFUSED/);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/WRONGPASS/);
    for (const { stdout, stderr } of [away, refused])
      expect(stdout + stderr).not.toContain('secret');
  });

  it.each([
    ['memory', 'must be a redis:// or rediss:// URL, or the path of a unix socket.'],
    ['secret:6379', 'must be a redis:// or rediss:// URL, or the path of a unix socket.'],
    ['redis:/user:secret@', 'must be a redis:// or rediss:// URL, or the path of a unix socket.'],
    ['redis://:se/cret@secret', 'is no valid URL (not shown, as it may hold a password)'],
    ['redis://127.0.0.1/secret@', 'is no valid URL (not shown, as it may hold a password)'],
  ])('refuses %s as no address of a Redis, and does not show it', async (url, why) => {
    const given = await run(['list', '--url', url]);
    const set = await run(['list'], { REDIS_URL: url });

    expect(given).toMatchObject({ code: 2, stdout: '' });
    expect(given.stderr).toContain(`: --url ${why}`);
    expect(set).toMatchObject({ code: 2, stdout: '' });
    expect(set.stderr).toContain(`: REDIS_URL ${why}`);
    expect(given.stderr + set.stderr).not.toContain('secret');
  });

  it('says how it is used when it is used wrongly', async () => {
    expect(await run(['--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Usage'),
    });
    for (const args of [[], ['lst'], ['inspect', '--url', 'x'], ['list', '--nope'], ['list']]) {
      expect(await run(args)).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage') });
    }
  });

  it.each([['watch'], ['watch', '--json'], ['list', '--json']])(
    'ends in peace when its reader has seen enough: %s',
    async (...command) => {
      const { NODE_OPTIONS: _, ...env } = process.env;
      const args = [MAIN, ...command, '--url', sharedRedisUrl(), '--prefix', keyPrefix];
      const child = spawn(process.execPath, args, { env });
      afterTest(() => child.kill('SIGKILL'));
      let errors = '';
      child.stderr.on('data', (chunk) => (errors += String(chunk)));
      child.stdout.destroy();

      expect((await once(child, 'exit'))[0]).toBe(0);
      expect(errors).toBe('');
    },
  );

  it.each([
    { command: ['list'], code: 130 },
    { command: ['inspect', 'k'], code: 130 },
    { command: ['release', 'k', '--yes'], code: 130 },
    { command: ['watch'], code: 0 },
  ])(
    'ends at once when it is interrupted while Redis says nothing: $command.0',
    async ({ command, code }) => {
      const silent = createServer((socket) => socket.on('error', () => {}).resume());
      silent.listen(0, '127.0.0.1');
      await once(silent, 'listening');
      afterTest(() => silent.close());
      const { NODE_OPTIONS: _, ...env } = process.env;
      const url = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`;
      const child = spawn(process.execPath, [MAIN, ...command, '--url', url], { env });
      afterTest(() => child.kill('SIGKILL'));
      await once(silent, 'connection');
      const interruptedAt = performance.now();
      child.kill('SIGINT');

      expect((await once(child, 'exit'))[0]).toBe(code);
      expect(performance.now() - interruptedAt).toBeLessThan(1500);
    },
  );

  it('watches until it is interrupted', async () => {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const args = [MAIN, 'watch', '--json', '--url', sharedRedisUrl(), '--prefix', keyPrefix];
    const child = spawn(process.execPath, args, { env });
    afterTest(() => child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    await eventually(() => expect(output).toContain('[]\n'));
    await manager.acquire('k');
    await eventually(() => expect(output).toContain('"key":"k"'));
    child.kill('SIGINT');

    expect((await once(child, 'exit'))[0]).toBe(0);
  });
});
