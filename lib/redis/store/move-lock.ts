import type { MoveCommand, MoveReply } from '../../engine/store/move.js';
import { notAfter, observe } from '../client/redis-time.js';
import { type MovedReply, moveScript, readMoved } from '../scripts/move.script.js';
import { type LockServers, onLock } from '../servers/lock-servers.js';

/** Puts one token in the place of another one that holds the lock. */
export async function moveLock(
  servers: LockServers,
  { key, from, to, ttl, until, beside }: MoveCommand,
): Promise<MoveReply> {
  const place = servers.keys.of(key);
  const answer = await servers.run<MovedReply>({
    ...onLock(place, key),
    script: moveScript,
    // A primary without it would let a ticket be used again.
    grants: true,
    args: (time) => [from, to, Math.floor(ttl), notAfter(until, time), beside ? 1 : 0],
  });
  observe(answer.reply[0], answer);
  return readMoved(answer);
}
