import { readFileSync } from 'node:fs';

import { afterEach, describe, expect, it } from '@jest/globals';

import { Child } from './child.js';
import { eventually } from './eventually.js';

describe('Child', () => {
  let child: Child | undefined;

  afterEach(async () => {
    await child?.kill();
  });

  it('exchanges messages and tells how it ended', async () => {
    child = Child.start('echo.mjs', { args: ['one'] });
    expect(await child.next('ready')).toEqual({ type: 'ready', args: ['one'] });

    child.send({ type: 'hello', n: 1 });
    expect(await child.next('echo')).toMatchObject({ of: { type: 'hello', n: 1 } });
    child.send({ type: 'exit', code: 3 });

    expect(await child.exited).toEqual({ code: 3, signal: null });
    expect(child.stderr).toBe('told to exit\n');
    expect(child.stdout).toBe('not a message\n');
  });

  it('stays silent while it is stopped, and can be killed then', async () => {
    child = Child.start('echo.mjs');
    await child.next('ready');
    child.stop();
    child.send({ type: 'hello' });

    await expect(child.next('echo', { within: 80 })).rejects.toThrow('silent for 80 ms');

    expect(await child.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    await expect(child.next('echo')).rejects.toThrow('ended with SIGKILL');
  });

  it('goes on where it was after it is resumed', async () => {
    child = Child.start('echo.mjs');
    await child.next('ready');
    child.stop();
    child.send({ type: 'hello' });
    child.resume();

    expect(await child.next('echo')).toMatchObject({ of: { type: 'hello' } });
  });

  it('tells of every message, also of those that come in one piece', async () => {
    child = Child.start('echo.mjs');
    await child.next('ready');

    const first = child.next('first');
    child.send({ type: 'print', lines: ['{"type":"first"}', '{"type":"second"}'] });

    expect(await first).toEqual({ type: 'first' });
    expect(await child.next('second', { within: 1000 })).toEqual({ type: 'second' });
  });

  it('takes the processes it owns with it when it is killed', async () => {
    child = Child.start('owner.mjs');
    const { pid } = await child.next('owns');

    await child.kill();

    await eventually(() => expect(isRunning(Number(pid))).toBe(false));
  });
});

/** A killed process stays a zombie until the system's init collects it; that counts as gone. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
