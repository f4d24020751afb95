import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { afterTest } from '../support/after-test.js';
import { sharedRedisUrl } from '../support/shared-redis.js';
import { freePort } from '../support/spawn-redis.mjs';
import { printed, SampleBuild } from './sample-build.js';

let sample: SampleBuild;

beforeAll(async () => {
  sample = await SampleBuild.make();
}, 300_000);

afterAll(() => sample.remove());

describe('npm start -- --once', () => {
  it.each([
    { store: 'in memory', args: ['--memory'], env: () => ({}), says: 'the memory of this process' },
    {
      store: 'on the Redis that it is given, from two processes',
      args: ['--processes', '2'],
      env: () => ({ REDIS_URL: sharedRedisUrl() }),
      says: 'from 2 processes',
    },
    {
      store: 'in memory where there is no Redis',
      args: [],
      env: () => ({ PATH: '/nowhere' }),
      says: /no redis-server on PATH|Redis at redis:\/\/127\.0\.0\.1:6379/,
    },
  ])(
    'shows one sale without and one with the lock $store, and ends with 0',
    async ({ args, env, says }) => {
      const { code, stdout, stderr } = await sample.run('main', ['--once', ...args], {
        PORT: '0',
        ...env(),
      });

      expect(stderr).toBe('');
      expect(stdout).toMatch(says);
      expect(stdout).toMatch(/^without lock +10 +(?!10 )\d+ +[1-9]\d* /m);
      expect(stdout).toMatch(/^with lock +10 +10 +0 /m);
      expect(code).toBe(0);
    },
    120_000,
  );

  it('says so when the port is in use', async () => {
    const occupied = createServer().listen(0, '127.0.0.1');
    await once(occupied, 'listening');
    const { port } = occupied.address() as AddressInfo;

    const { code, stderr } = await sample.run('main', ['--once', '--memory'], {
      PORT: String(port),
    });
    occupied.close();

    expect(stderr).toBe(`Port ${port} is in use. Choose another one: PORT=${port + 1} npm start\n`);
    expect(code).toBe(1);
  });

  it('says so when Redis does not answer, without the password', async () => {
    const port = await freePort();
    const REDIS_URL = `redis://ada:secret@127.0.0.1:${port}`;

    const { code, stdout, stderr } = await sample.run('main', ['--once'], { REDIS_URL });

    expect(stderr).toMatch(
      new RegExp(
        `^Redis at redis://ada:\\*\\*\\*@127.0.0.1:${port} can not be used \\(.*ECONNREFUSED`,
      ),
    );
    expect(stderr).not.toMatch(/ {4}at /);
    expect(stdout + stderr).not.toContain('secret');
    expect(code).toBe(1);
  });

  it.each([
    { url: 'redis://127.0.0.1:1/2?password=secret', shown: 'Redis at redis://127.0.0.1:1/2 can' },
    { url: 'redis://ada:p@secret@127.0.0.1:1', shown: 'Redis at redis://ada:***@127.0.0.1:1 can' },
    { url: 'redis://secret@127.0.0.1:1', shown: 'Redis at redis://127.0.0.1:1 can' },
    { url: '/nowhere?password=secret', shown: 'Redis at /nowhere can' },
    { url: 'redis://:pa/secret@127.0.0.1:1', shown: 'It is not shown' },
    { url: 'redis://secret:12/3@127.0.0.1:1', shown: 'It is not shown' },
    { url: 'redis://secret:12#3@127.0.0.1:1', shown: 'It is not shown' },
    { url: 'redis://:secret%zz@127.0.0.1:1', shown: 'It is not shown' },
  ])('shows of $url what is no password', async ({ url, shown }) => {
    const { code, stdout, stderr } = await sample.run('main', ['--once'], { REDIS_URL: url });

    expect(stderr).toContain(shown);
    expect(stderr).not.toMatch(/ {4}at /);
    expect(stdout + stderr).not.toContain('secret');
    expect(code).toBe(1);
  });

  it.each([
    { wrong: 'PORT', args: [], env: { PORT: 'http' } },
    { wrong: 'REDIS_URL', args: [], env: { REDIS_URL: 'localhost:6379' } },
    { wrong: '--twice', args: ['--twice'], env: {} },
    { wrong: '--processes', args: ['--processes', '0'], env: {} },
    { wrong: '--memory', args: ['--processes', '2', '--memory'], env: {} },
  ])('names $wrong when it is not understood', async ({ wrong, args, env }) => {
    const { code, stderr } = await sample.run('main', args, env);

    expect(stderr).toContain(wrong);
    expect(stderr).not.toMatch(/ {4}at /);
    expect(code).toBe(1);
  });
});

describe('npm start', () => {
  it('serves on after the table until it is interrupted', async () => {
    const { child, ended } = sample.start('main', [], { PORT: '0' });
    const [, url] = await printed(child, /Serving on (\S+) /);

    expect((await fetch(`${url}/sales/nothing`)).status).toBe(404);
    expect(await (await fetch(url!)).text()).toContain('Flash sale');
    child.kill('SIGINT');

    const { code, stdout, stderr } = await ended;
    expect(stderr).toBe('');
    expect(stdout).toMatch(/Closing the shop …\nClosed\.\n$/);
    expect(code).toBe(130);
  }, 120_000);
});

describe.each([
  { program: 'main', lastWord: 'Closed.\n' },
  { program: 'storm', lastWord: 'Ended.\n' },
] as const)('the program $program', ({ program, lastWord }) => {
  it('ends at once when it is interrupted while Redis says nothing', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}).resume());
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    afterTest(() => silent.close());
    const { port } = silent.address() as AddressInfo;
    const REDIS_URL = `redis://127.0.0.1:${port}`;
    const { child, ended } = sample.start(program, [], { REDIS_URL });
    await once(silent, 'connection');
    const interruptedAt = performance.now();
    child.kill('SIGINT');

    const { code, stdout, stderr } = await ended;
    expect(performance.now() - interruptedAt).toBeLessThan(3000);
    expect(stderr).toBe('');
    expect(stdout.endsWith(lastWord)).toBe(true);
    expect(code).toBe(130);
  });
});

describe('npm start -- --help', () => {
  it('names every option', async () => {
    const { code, stdout } = await sample.run('main', ['--help']);

    for (const option of ['--processes', '--memory', '--once', 'PORT', 'REDIS_URL'])
      expect(stdout).toContain(option);
    expect(code).toBe(0);
  });
});
