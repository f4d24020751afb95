import type {
  AcquireCommand,
  AcquireReply,
  ReleaseCommand,
  ReleaseReply,
} from '../../engine/store/lock-store.js';
import type { Answer } from '../client/redis-connection.js';
import { notAfter, observe, type RedisTime } from '../client/redis-time.js';
import type { KeysOfLock } from '../keys/lock-keys.js';
import { acquireScript } from '../scripts/acquire.script.js';
import { type Argument, NOBODY, type RedisScript } from '../scripts/define-script.js';
import { releaseScript } from '../scripts/release.script.js';
import { type AcquiredReply, readAcquired } from '../scripts/replies.js';
import type { LockServers } from '../servers/lock-servers.js';
import { TickBatch } from './tick-batch.js';

/** Acquires and releases locks, those of one tick by one script where the servers allow it. */
export class JointCommands {
  readonly #acquires = new TickBatch<AcquireCommand, AcquireReply>((commands) =>
    this.#acquire(commands),
  );
  readonly #releases = new TickBatch<ReleaseCommand, ReleaseReply>((commands) =>
    this.#release(commands),
  );

  constructor(private readonly servers: LockServers) {}

  /** As {@link RedisLockStore.acquire}. */
  acquire(command: AcquireCommand, floor?: number): Promise<AcquireReply> {
    this.#releases.flushBefore(command.key);
    if (this.servers.joint && floor === undefined) return this.#acquires.add(command);
    return this.#acquire([command], floor).then(only);
  }

  release(command: ReleaseCommand): Promise<ReleaseReply> {
    this.#acquires.flushBefore(command.key);
    if (this.servers.joint) return this.#releases.add(command);
    return this.#release([command]).then(only);
  }

  /** What comes next must come after all of this. */
  flush(): void {
    this.#acquires.flush();
    this.#releases.flush();
  }

  async #acquire(
    commands: readonly AcquireCommand[],
    floor?: number,
  ): Promise<readonly (AcquireReply | Error)[]> {
    const args = (time: RedisTime, places: readonly KeysOfLock[]): Argument[] => {
      let until = Infinity;
      const all: Argument[] = [0];
      for (const [i, { token, ttl, fences, queue, yields, until: its }] of commands.entries()) {
        const waits = `${queue?.callers ?? 0} ${queue?.ticket ?? '-'} ${places[i]?.channel}`;
        all.push(token, Math.floor(ttl), fences, `${yields ?? NOBODY} ${waits}`);
        until = Math.min(until, its);
      }
      all[0] = notAfter(until, time);
      if (floor !== undefined) all.push(floor);
      return all;
    };
    const answer = await this.#run<AcquiredReply>(acquireScript, commands, args, true);
    observe(answer.reply[0], answer);
    return readAcquired(answer, commands);
  }

  async #release(commands: readonly ReleaseCommand[]): Promise<readonly (ReleaseReply | Error)[]> {
    const args = (_time: RedisTime, places: readonly KeysOfLock[]): Argument[] => {
      const all: Argument[] = [];
      for (const [i, { token, minHoldLeft }] of commands.entries())
        all.push(token, minHoldLeft, places[i]?.channel ?? '');
      return all;
    };
    const answer = await this.#run<readonly (number | Error)[]>(releaseScript, commands, args);
    return commands.map(({ key }, i) => {
      const outcome = answer.reply[i];
      if (typeof outcome !== 'number') return answer.from.refusal(key, outcome);
      if (outcome === 1) return 'released';
      return answer.resent ? 'unconfirmed' : 'not-held';
    });
  }

  #run<T>(
    script: RedisScript,
    commands: readonly { readonly key: string }[],
    args: (time: RedisTime, places: readonly KeysOfLock[]) => readonly Argument[],
    grants = false,
  ): Promise<Answer<T>> {
    const places = commands.map(({ key }) => this.servers.keys.of(key));
    const place = places[0] as KeysOfLock;
    const keys = [place.counter];
    for (const { lock, queue, alive, holders } of places) keys.push(lock, queue, alive, holders);
    const key = commands[0]?.key ?? '';
    return this.servers.run<T>({
      script,
      key,
      place,
      keys,
      grants,
      args: (time) => args(time, places),
    });
  }
}

/** Alone, a lock's error is the whole command's. */
function only<T>(replies: readonly (T | Error)[]): T {
  const reply = replies[0] as T | Error;
  if (reply instanceof Error) throw reply;
  return reply;
}
