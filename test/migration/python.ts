import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { afterTest } from '../support/after-test.js';
import { reapAtExit } from '../support/reaper.mjs';

const PROGRAM = fileURLToPath(new URL('locks.py', import.meta.url));
/** That of the system, to which packages such as python3-redis belong, before another one on PATH. */
const PYTHON = ['/usr/bin/python3', 'python3'].find(
  (path) => spawnSync(path, ['-c', 'import redis']).status === 0,
);

/** Opens a process of Python that locks by `kind` of `locks.py`. */
export async function openPython(
  kind: 'redis-py' | 'redlock',
  url: string,
): Promise<(key: string) => Promise<() => Promise<unknown>>> {
  if (PYTHON === undefined)
    throw new Error('No Python with redis-py: install it, as by "apt-get install python3-redis".');
  const child = reapAtExit(
    spawn(PYTHON, [PROGRAM, kind, url], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  afterTest(() => child.kill());
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answered = async () => {
    const { done } = await answers.next();
    if (done) throw new Error(`${PROGRAM} ended.`);
  };
  const ask = async (line: string) => {
    child.stdin.write(`${line}\n`);
    await answered();
  };
  await answered();
  return async (key) => {
    await ask(`acquire ${key}`);
    return () => ask('release');
  };
}
