import type {
  AcquireCommand,
  AcquireReply,
  PollCommand,
  PollReply,
  ReleaseCommand,
  ReleaseReply,
  RenewCommand,
  RenewReply,
  StoreEvents,
} from '../../engine/store/lock-store.js';
import type { StoredPlace } from '../../engine/store/lock-queue.js';
import type { MoveCommand, MoveReply } from '../../engine/store/move.js';
import type { SetStore } from '../../engine/store/set-store.js';
import type { StoredLock } from '../../engine/store/stored-lock.js';
import { isToken } from '../../engine/store/token.js';
import type { Clock } from '../../engine/time/clock.js';
import { notAfter, observe } from '../client/redis-time.js';
import type { KeysOfLock } from '../keys/lock-keys.js';
import { NOBODY } from '../scripts/define-script.js';
import { pollScript } from '../scripts/poll.script.js';
import { raiseScript } from '../scripts/raise.script.js';
import { type PolledReply, readPolled } from '../scripts/replies.js';
import { revokeScript } from '../scripts/revoke.script.js';
import { type LockServers, onLock } from '../servers/lock-servers.js';
import { JointCommands } from './joint-commands.js';
import type { NodeStore } from './node-store.js';
import { inspectLock, queueOf } from './look-at-lock.js';
import { moveLock } from './move-lock.js';
import { RedisLockSets } from './redis-lock-sets.js';
import { renewalBatches, renewBatch } from './renewal-batches.js';
import { scanLocks } from './scan-locks.js';

/** Locks on one Redis endpoint or in a Cluster. */
export class RedisLockStore implements NodeStore {
  readonly sets: SetStore;
  readonly #joint: JointCommands;
  #events: StoreEvents | undefined;

  constructor(
    private readonly servers: LockServers,
    private readonly clock: Clock,
  ) {
    this.#joint = new JointCommands(servers);
    this.sets = new RedisLockSets(servers, this.#joint);
  }

  listen(events: StoreEvents): void {
    this.#events = events;
    this.servers.listen(events);
  }

  acquire(command: AcquireCommand, floor?: number): Promise<AcquireReply> {
    const place = this.servers.keys.of(command.key);
    const hears = command.queue === undefined || this.servers.hears(place);
    return hears ? this.#joint.acquire(command, floor) : this.#acquireUnheard(command, place);
  }

  async #acquireUnheard(command: AcquireCommand, place: KeysOfLock): Promise<AcquireReply> {
    // Nobody waits before being subscribed, unless others wait for what is given up in the same step.
    const queue = command.yields === undefined ? undefined : command.queue;
    const reply = await this.#joint.acquire({ ...command, queue });
    if (reply.kind === 'busy') {
      await this.servers.listenFor(place);
      return this.#joint.acquire(command);
    }
    if (reply.kind === 'queued' || command.fences > 1) void this.#listen(command.token, place);
    return reply;
  }

  async poll({ key, token, until, callers }: PollCommand): Promise<PollReply> {
    const place = this.servers.keys.of(key);
    this.#joint.flush();
    // Asking keeps the subscription alive.
    this.servers.hears(place);
    const answer = await this.servers.run<PolledReply>({
      script: pollScript,
      grants: true,
      args: (time) => [token, notAfter(until, time), callers, place.channel],
      ...onLock(place, key),
    });
    observe(answer.reply[0], answer);
    return readPolled(answer);
  }

  async renew(commands: readonly RenewCommand[], floor?: number): Promise<readonly RenewReply[]> {
    this.#joint.flush();
    const replies: RenewReply[] = [];
    const batches = renewalBatches(commands, this.servers.keys);
    await Promise.all(
      batches.map(async (batch) => {
        const sentAt = this.clock.now();
        const its = await renewBatch(this.servers, batch, sentAt, floor);
        batch.indices.forEach((index, i) => (replies[index] = its[i] as RenewReply));
      }),
    );
    return replies;
  }

  release(command: ReleaseCommand): Promise<ReleaseReply> {
    return this.#joint.release(command);
  }

  move(command: MoveCommand): Promise<MoveReply> {
    this.#joint.flush();
    return moveLock(this.servers, command);
  }

  /** Names whom it takes the lock from: sent twice, it must not oust the next holder as well. */
  async revoke(key: string): Promise<boolean> {
    const stored = await this.inspect(key);
    if (stored === null) return false;
    const { token = NOBODY, several } = stored;
    const tokens = several?.holders.map((holder) => holder.token) ?? [token];
    const isOurs = (each: string): boolean =>
      each === NOBODY || isToken(each.startsWith(NOBODY) ? each.slice(NOBODY.length) : each);
    return tokens.every(isOurs) && this.revokeFrom(key, ...tokens);
  }

  async revokeFrom(key: string, ...tokens: readonly string[]): Promise<boolean> {
    const place = this.servers.keys.of(key);
    const { reply, resent } = await this.servers.run<number>({
      ...onLock(place, key),
      script: revokeScript,
      args: () => [place.channel, ...tokens],
    });
    return reply > 0 || resent;
  }

  async inspect(key: string): Promise<StoredLock | null> {
    this.#joint.flush();
    return inspectLock(this.servers, key);
  }

  async raise(key: string, token: string, fence: number): Promise<boolean> {
    const place = this.servers.keys.of(key);
    const { reply } = await this.servers.run<number>({
      script: raiseScript,
      key,
      place,
      keys: [place.lock, place.counter],
      args: () => [token, fence],
    });
    return reply === 1;
  }

  queue(key: string): Promise<readonly StoredPlace[]> {
    return queueOf(this.servers, key);
  }

  keys(match: string): AsyncIterable<readonly string[]> {
    return scanLocks(this.servers, match);
  }

  async close(): Promise<void> {
    this.#events = undefined;
    this.servers.close();
  }

  /** Subscribes late; what was told in between is found by asking. */
  async #listen(token: string, place: KeysOfLock): Promise<void> {
    if (await this.servers.listenFor(place)) this.#events?.recheck(token, 0);
  }
}
