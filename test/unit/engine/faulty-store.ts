import type {
  AcquireCommand,
  AcquireReply,
  Grant,
  LockStore,
  PollCommand,
  PollReply,
  ReleaseCommand,
  ReleaseReply,
  RenewCommand,
  RenewReply,
  StoreEvents,
} from '../../../lib/engine/store/lock-store.js';
import type { StoredPlace } from '../../../lib/engine/store/lock-queue.js';
import type { MoveCommand, MoveReply } from '../../../lib/engine/store/move.js';
import type { SetCommand, SetReply, SetStore } from '../../../lib/engine/store/set-store.js';
import type { StoredLock } from '../../../lib/engine/store/stored-lock.js';

/** Stands between a command and the store that would run it; runs it by `next`, or does not. */
export type Fault<Command, Reply> = (
  command: Command,
  next: () => Promise<Reply>,
) => Promise<Reply>;

/** A store whose commands and pushes the test can delay, lose and falsify. */
export class FaultyStore implements LockStore {
  onAcquire: Fault<AcquireCommand, AcquireReply> = (_, next) => next();
  onPoll: Fault<PollCommand, PollReply> = (_, next) => next();
  onRenew: Fault<readonly RenewCommand[], readonly RenewReply[]> = (_, next) => next();
  onRelease: Fault<ReleaseCommand, ReleaseReply> = (_, next) => next();
  onSet: Fault<SetCommand, SetReply> = (_, next) => next();
  onMove: Fault<MoveCommand, MoveReply> = (_, next) => next();
  /** What becomes of a grant that is pushed; `undefined` loses it. */
  onGrant: (grant: Grant) => Grant | undefined = (grant) => grant;
  /** Names and keys of all commands so far. */
  readonly log: string[] = [];
  /** Whether it is never told that others wait. */
  losesWanted = false;
  listener: StoreEvents | undefined;

  constructor(private readonly store: LockStore) {}

  get sets(): SetStore {
    const { sets } = this.store;
    if (sets === undefined) throw new Error('The store has no sets.');
    return {
      check: (keys) => sets.check(keys),
      acquire: (command) => {
        this.log.push('set');
        return this.onSet(command, () => sets.acquire(command));
      },
    };
  }

  acquire(command: AcquireCommand): Promise<AcquireReply> {
    this.log.push('acquire');
    return this.onAcquire(command, () => this.store.acquire(command));
  }

  poll(command: PollCommand): Promise<PollReply> {
    this.log.push('poll');
    return this.onPoll(command, () => this.store.poll(command));
  }

  renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    this.log.push('renew');
    return this.onRenew(commands, () => this.store.renew(commands));
  }

  release(command: ReleaseCommand): Promise<ReleaseReply> {
    this.log.push('release');
    return this.onRelease(command, () => this.store.release(command));
  }

  move(command: MoveCommand): Promise<MoveReply> {
    this.log.push('move');
    return this.onMove(command, () => this.store.move!(command));
  }

  revoke(key: string): Promise<boolean> {
    return this.store.revoke(key);
  }

  inspect(key: string): Promise<StoredLock | null> {
    return this.store.inspect(key);
  }

  queue(key: string): Promise<readonly StoredPlace[]> {
    return this.store.queue(key);
  }

  keys(match: string): AsyncIterable<readonly string[]> {
    return this.store.keys(match);
  }

  listen(listener: StoreEvents): void {
    this.listener = listener;
    this.store.listen({
      granted: (grant) => {
        const told = this.onGrant(grant);
        if (told !== undefined) listener.granted(told);
      },
      wanted: (token, queue) => this.losesWanted || listener.wanted(token, queue),
      revoked: (token) => listener.revoked(token),
      recheck: (token, inMs) => listener.recheck(token, inMs),
      doubted: (token, key) => listener.doubted(token, key),
      unreachable: (trouble) => listener.unreachable(trouble),
      reconnected: () => listener.reconnected(),
    });
  }

  close(): Promise<void> {
    return this.store.close();
  }
}
