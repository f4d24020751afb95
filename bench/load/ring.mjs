import { Redis } from 'ioredis';

import { now } from './clock.mjs';
import { Samples } from './samples.mjs';

const PASS_ON = "return redis.call('PUBLISH', KEYS[1], ARGV[1])";

/**
 * The floor for hand-overs: a token goes round the processes, each passes it on by a script that
 * publishes to the next. No lock on one Redis can travel faster by way of a script and a push.
 *
 * @param {string} url
 * @param {{ index: number, processes: number }} place
 */
export async function openRing(url, { index, processes }) {
  const samples = new Samples();
  const redis = new Redis(url);
  redis.defineCommand('passOn', { numberOfKeys: 1, lua: PASS_ON });
  const subscriber = redis.duplicate();
  const next = `ring:${(index + 1) % processes}`;
  await subscriber.subscribe(`ring:${index}`);
  let hadAt;
  let end = Infinity;
  subscriber.on('message', () => {
    if (now() < end) void passOn();
  });
  return { samples, start };

  async function start({ until }) {
    end = until;
    if (index === 0) await passOn();
  }

  async function passOn() {
    const hasAt = now();
    await redis.passOn(next, 'token');
    samples.record(0, hadAt ?? hasAt, hasAt, hasAt, now());
    hadAt = hasAt;
  }
}
