import type { Redis } from 'ioredis';
import type { RedisTime } from '../client/redis-time.js';
import { acquireScript } from './acquire.script.js';
import { acquireSetScript } from './acquire-set.script.js';
import { type ScriptForm, textOf } from './define-script.js';
import { inspectScript } from './inspect.script.js';
import { moveScript } from './move.script.js';
import { pollScript } from './poll.script.js';
import { raiseScript } from './raise.script.js';
import { releaseScript } from './release.script.js';
import { renewScript } from './renew.script.js';
import { revokeScript } from './revoke.script.js';

const SCRIPTS = [
  acquireScript,
  acquireSetScript,
  pollScript,
  renewScript,
  releaseScript,
  revokeScript,
  inspectScript,
  moveScript,
  raiseScript,
];

/**
 * Sends what goes first on every new connection: all scripts, since one that is not loaded runs later
 * than what was sent behind it, and a look at Redis' clock, since without it a command has no time limit.
 */
export async function loadScripts(client: Redis, time: RedisTime, form: ScriptForm): Promise<void> {
  for (const script of SCRIPTS)
    client.script('LOAD', textOf(script, form).lua).catch(() => undefined);
  const sentAt = time.now;
  try {
    const [seconds, microseconds] = await client.time();
    const redisNow = Number(seconds) * 1000 + Number(microseconds) / 1000;
    time.observe({ sentAt, redisNow }, time.now);
  } catch {
    // A server that refuses to tell the time tells it with its first answer to a script.
  }
}
