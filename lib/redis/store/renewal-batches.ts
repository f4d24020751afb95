import { EXCLUSIVE } from '../../engine/api/capacity.js';
import type { RenewCommand, RenewReply } from '../../engine/store/lock-store.js';
import { capacityIn } from '../../engine/store/token.js';
import { forKey } from '../client/redis-errors.js';
import { notAfter, observe, type RedisTime } from '../client/redis-time.js';
import type { KeysOfLock, LockKeys } from '../keys/lock-keys.js';
import type { Argument } from '../scripts/define-script.js';
import { renewScript } from '../scripts/renew.script.js';
import { readRenewed, type RenewedReply } from '../scripts/replies.js';
import type { LockServers } from '../servers/lock-servers.js';

/** Leases renewed by one script; more would keep Redis from others for too long. */
const RENEWALS_A_SCRIPT = 200;

/** What one script renews. */
export interface RenewalBatch {
  /** Where the first lock is, and so all of them. */
  readonly place: KeysOfLock;
  readonly commands: RenewCommand[];
  /** Their places among all that were asked for. */
  readonly indices: number[];
  /** Fence counter, then lock and queue of each. */
  readonly keys: string[];
  /** Of each in turn: its holders where they may be several, its signs of life where callers wait. */
  readonly more: string[];
}

/** Sorts renewals into scripts: all of one slot together, up to a bound. */
export function renewalBatches(
  commands: readonly RenewCommand[],
  keys: LockKeys,
): readonly RenewalBatch[] {
  const batches: RenewalBatch[] = [];
  const open = new Map<number, RenewalBatch>();
  for (const [index, command] of commands.entries()) {
    const place = keys.of(command.key);
    let batch = open.get(place.slot);
    if (batch === undefined || batch.commands.length === RENEWALS_A_SCRIPT) {
      batch = { place, commands: [], indices: [], keys: [place.counter], more: [] };
      open.set(place.slot, batch);
      batches.push(batch);
    }
    batch.commands.push(command);
    batch.indices.push(index);
    batch.keys.push(place.lock, place.queue);
    if (capacityIn(command.token) !== EXCLUSIVE) batch.more.push(place.holders);
    if (command.callers > 0) batch.more.push(place.alive);
  }
  return batches;
}

/**
 * Renews what is in one script.
 *
 * @param floor The moment whose fencing numbers to reserve, µs. @default Redis' own
 */
export async function renewBatch(
  servers: LockServers,
  { place, commands, keys, more }: RenewalBatch,
  sentAt: number,
  floor: number | undefined,
): Promise<RenewReply[]> {
  const args = (time: RedisTime): Argument[] => {
    const all: Argument[] = [];
    for (const { token, ttl, until, fences, callers } of commands)
      all.push(token, `${Math.floor(ttl)} ${notAfter(until, time)} ${fences} ${callers}`);
    if (floor !== undefined) all.push(floor);
    return all;
  };
  try {
    const answer = await servers.run<RenewedReply>({
      script: renewScript,
      key: commands[0]?.key ?? '',
      place,
      keys: more.length === 0 ? keys : [...keys, ...more],
      args,
    });
    observe(answer.reply[0], answer);
    return readRenewed(answer);
  } catch (error) {
    return commands.map(({ key }) => ({ kind: 'unknown', sentAt, error: forKey(key, error) }));
  }
}
