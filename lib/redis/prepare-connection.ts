import type { Redis } from 'ioredis';
import type { TimeSample } from '../engine/lease.js';
import { acquireScript } from './scripts/acquire.script.js';
import { inspectScript } from './scripts/inspect.script.js';
import { pollScript } from './scripts/poll.script.js';
import { releaseScript } from './scripts/release.script.js';
import { renewScript } from './scripts/renew.script.js';
import { revokeScript } from './scripts/revoke.script.js';

const SCRIPTS = [
  acquireScript,
  pollScript,
  renewScript,
  releaseScript,
  revokeScript,
  inspectScript,
];

/**
 * What goes first on every new connection: all scripts, since one that is not loaded runs later than
 * what was sent behind it, and a look at Redis' clock, since without it a command has no time limit.
 *
 * @returns `undefined` when the server refuses to tell the time.
 */
export async function prepareConnection(client: Redis): Promise<TimeSample | undefined> {
  for (const { lua } of SCRIPTS) client.script('LOAD', lua).catch(() => undefined);
  const sentAt = performance.now();
  try {
    const [seconds, microseconds] = await client.time();
    return { sentAt, redisNow: Number(seconds) * 1000 + Number(microseconds) / 1000 };
  } catch {
    return undefined;
  }
}
