import { LockConfigError } from '../../engine/api/errors.js';
import type { SetCommand, SetReply, SetStore } from '../../engine/store/set-store.js';
import { notAfter, observe, type RedisTime } from '../client/redis-time.js';
import type { KeysOfLock } from '../keys/lock-keys.js';
import { acquireSetScript } from '../scripts/acquire-set.script.js';
import type { Argument } from '../scripts/define-script.js';
import { type PolledReply, readAcquiredSet } from '../scripts/replies.js';
import type { LockServers } from '../servers/lock-servers.js';
import type { JointCommands } from './joint-commands.js';

/** So many keys are named that are in different slots. */
const NAMED = 3;

/** Several locks in one step: they are in one slot. */
export class RedisLockSets implements SetStore {
  constructor(
    private readonly servers: LockServers,
    private readonly joint: JointCommands,
  ) {}

  check(keys: readonly string[]): void {
    const bySlot = new Map(keys.map((key) => [this.servers.keys.of(key).slot, key]));
    if (bySlot.size <= 1) return;
    const named = [...bySlot].slice(0, NAMED);
    const where = named.map(([slot, key]) => `${JSON.stringify(key)} in slot ${slot}`).join(', ');
    const problem =
      `The keys of one call must be in one slot of the Cluster, but are in ${bySlot.size}: ${where}. ` +
      'Give them a common hash tag, as in "{stock}:1" and "{stock}:2".';
    throw new LockConfigError([problem], keys);
  }

  async acquire({ locks, ttl, until }: SetCommand): Promise<SetReply> {
    // What was asked for before comes before it.
    this.joint.flush();
    const places = locks.map(({ key }) => this.servers.keys.of(key));
    const place = places[0] as KeysOfLock;
    const keys = [place.counter];
    for (const { lock, queue, alive, holders } of places) keys.push(lock, queue, alive, holders);
    const args = (time: RedisTime): Argument[] => {
      const all: Argument[] = [notAfter(until, time), Math.floor(ttl)];
      for (const [i, { token }] of locks.entries()) all.push(token, places[i]?.channel ?? '');
      return all;
    };
    const key = locks[0]?.key ?? '';
    const command = { script: acquireSetScript, key, place, keys, grants: true, args };
    const answer = await this.servers.run<PolledReply>(command);
    observe(answer.reply[0], answer);
    const reply = readAcquiredSet(answer, locks);
    if (reply instanceof Error) throw reply;
    return reply;
  }
}
