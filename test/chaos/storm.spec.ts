import { once } from 'node:events';
import { connect } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { sharedRedisUrl } from '../support/shared-redis.js';
import { printed, SampleBuild } from '../sample/sample-build.js';

let sample: SampleBuild;

beforeAll(async () => {
  sample = await SampleBuild.make();
}, 300_000);

afterAll(() => sample.remove());

describe('npm run storm', () => {
  it('sells exactly the stock to 80 processes with the lock, and more without', async () => {
    const { code, stdout, stderr } = await sample.run('storm', []);

    expect(stderr).toBe('');
    expect(stdout).toContain('Buyers ready: 80/80');
    expect(stdout).toMatch(/^without lock +10 +(?!10 )\d+ +[1-9]\d* /m);
    expect(stdout).toMatch(/^with lock +10 +10 +0 /m);
    expect(code).toBe(0);
  }, 600_000);

  it('repeats the pair of sales on the Redis that it is given', async () => {
    const REDIS_URL = sharedRedisUrl();
    const args = ['--runs', '2', '--buyers', '12'];

    const { code, stdout } = await sample.run('storm', args, { REDIS_URL });

    expect(stdout).toContain(`Redis at ${REDIS_URL}`);
    expect(stdout).toContain('With the lock 2 of 2 sales sold exactly the stock.');
    expect(code).toBe(0);
  }, 240_000);

  it('ends the buyers and its Redis when it is interrupted', async () => {
    const { child, ended } = sample.start('storm', ['--buyers', '10', '--runs', '100']);
    await printed(child, /Selling/);

    child.kill('SIGTERM');

    // The output ends when the last process that shares it, buyers included, has ended.
    const { code, stdout } = await ended;
    expect(code).toBe(143);
    const port = Number(/redis-server started on port (\d+)/.exec(stdout)?.[1]);
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
  }, 120_000);

  it.each([
    { wrong: '--runs', args: ['--runs', '0'], env: {} },
    { wrong: '--buyers', args: ['--buyers', '9'], env: {} },
    { wrong: 'redis-server', args: [], env: { PATH: '/nowhere' } },
  ])('names $wrong when it can not start', async ({ wrong, args, env }) => {
    const { code, stderr } = await sample.run('storm', args, env);

    expect(stderr).toContain(wrong);
    expect(stderr).not.toMatch(/ {4}at /);
    expect(code).toBe(1);
  });
});
