import { Redis } from 'ioredis';

import { now, sleep } from './clock.mjs';
import { Samples } from './samples.mjs';

const PASS_ON = "return redis.call('PUBLISH', KEYS[1], ARGV[1])";

/** The longest turn of a process while others wait; ours has the same. */
const TURN_MS = 25;

/**
 * The floor for hand-overs: a token goes round the processes, each passes it on by a script that
 * publishes to the next. No lock on one Redis can travel faster by way of a script and a push. With
 * sections, a process has one after another during its turn.
 *
 * @param {string} url
 * @param {{ index: number, processes: number, holdMs?: number }} load
 */
export async function openRing(url, { index, processes, holdMs = 0 }) {
  const samples = new Samples();
  const redis = new Redis(url);
  redis.defineCommand('passOn', { numberOfKeys: 1, lua: PASS_ON });
  const subscriber = redis.duplicate();
  const next = `ring:${(index + 1) % processes}`;
  await subscriber.subscribe(`ring:${index}`);
  let hadAt;
  let end = Infinity;
  subscriber.on('message', () => {
    if (now() < end) void turn();
  });
  return { samples, start };

  async function start({ until }) {
    end = until;
    if (index === 0) await turn();
  }

  async function turn() {
    const since = now();
    let [enteredAt, leftAt] = [since, since];
    if (holdMs > 0) {
      for (;;) {
        await sleep(holdMs);
        leftAt = now();
        if (leftAt - since >= TURN_MS) break;
        samples.record(0, hadAt ?? enteredAt, enteredAt, leftAt, leftAt);
        hadAt = enteredAt = leftAt;
      }
    }
    await redis.passOn(next, 'token');
    samples.record(0, hadAt ?? enteredAt, enteredAt, leftAt, now());
    hadAt = enteredAt;
  }
}
