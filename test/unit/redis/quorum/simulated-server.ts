import { LockUnavailableError } from '../../../../lib/engine/api/errors.js';
import {
  type AcquireCommand,
  type FenceBlock,
  NotAppliedError,
  type PollCommand,
  type RenewCommand,
  type StoreEvents,
} from '../../../../lib/engine/store/lock-store.js';
import { fencesIn } from '../../../../lib/engine/store/token.js';
import { MemoryLockStore } from '../../../../lib/memory/memory-lock.store.js';
import { MemorySpace } from '../../../../lib/memory/memory-space.js';
import type { ServerInfo } from '../../../../lib/redis/client/server-info.js';
import type { LinkedStore, NodeLink, NodeStore } from '../../../../lib/redis/store/node-store.js';
import type { VirtualClock } from '../../../support/virtual-clock.js';

export const COMMAND_TIMEOUT = 1000;
const LONG_AGO = -1_000_000;

/** A server of a quorum whose locks, links and silence are simulated, on a clock that the test moves. */
export class SimulatedServer {
  /** How long a command is under way to it, and its answer from it, in milliseconds. */
  delay = 1;
  /** Whether it neither hears nor says anything. */
  isSilent = false;
  space: MemorySpace;
  #server: ServerInfo;
  #fence = 0;
  #restarts = 0;
  readonly #reconnects: (() => void)[] = [];

  constructor(
    readonly name: string,
    readonly clock: VirtualClock,
  ) {
    this.space = new MemorySpace(clock);
    this.#server = { runId: name, bornAt: LONG_AGO };
  }

  /** Loses all data, and is another process from then on. */
  restart(): void {
    this.space.close();
    this.space = new MemorySpace(this.clock);
    this.#fence = 0;
    this.#restarts += 1;
    this.#server = { runId: `${this.name}-${this.#restarts}`, bornAt: this.clock.now() };
    for (const reconnect of this.#reconnects) reconnect();
  }

  /** Whose token has the key. */
  holder(key: string): string | undefined {
    return this.space.holder(key)?.token;
  }

  /** How many processes wait for the key here. */
  queued(key: string): number {
    return this.space.queue(key).length;
  }

  /** The link of one process. */
  connect(boot: string): LinkedStore {
    const { name } = this;
    const server = (): ServerInfo => this.#server;
    const link: NodeLink = {
      address: name,
      isReady: true,
      get server() {
        return server();
      },
      probe: async () => {},
    };
    let events: StoreEvents | undefined;
    let locks = new MemoryLockStore(boot, this.space);
    const enter = (): void => {
      locks = new MemoryLockStore(boot, this.space);
      if (events !== undefined) locks.listen(this.#overTheWire(events));
      this.clock.after(0, () => events?.reconnected());
    };
    this.#reconnects.push(enter);
    const store: NodeStore = {
      move: undefined,
      sets: undefined,
      listen: (receiver) => {
        events = receiver;
        enter();
      },
      acquire: (command: AcquireCommand, floor) =>
        this.#run(command.key, async () => {
          const reply = await locks.acquire(command);
          if (reply.kind !== 'held') return reply;
          return { ...reply, fences: this.#mint(command.fences, floor) };
        }),
      poll: (command: PollCommand) =>
        this.#run(command.key, async () => {
          const reply = await locks.poll(command);
          if (reply.kind !== 'held') return reply;
          return { ...reply, fences: this.#mint(fencesIn(command.token)) };
        }),
      renew: (commands: readonly RenewCommand[]) => this.#run('', () => locks.renew(commands)),
      release: (command) => this.#run(command.key, () => locks.release(command)),
      revoke: (key) => this.#run(key, () => locks.revoke(key)),
      revokeFrom: (key) => this.#run(key, () => locks.revoke(key)),
      inspect: (key) => this.#run(key, () => locks.inspect(key)),
      queue: (key) => this.#run(key, () => locks.queue(key)),
      keys: (match) => locks.keys(match),
      raise: (key, token, fence) =>
        this.#run(key, async () => {
          if (this.holder(key) !== token) return false;
          this.#fence = Math.max(this.#fence, fence);
          return true;
        }),
      close: () => locks.close(),
    };
    return { store, link };
  }

  /** What it sends unasked is under way for a while, too, and numbers its grants as its replies. */
  #overTheWire(events: StoreEvents): StoreEvents {
    const later = (told: () => void): void => void this.clock.after(this.delay, told);
    const hears = (told: () => void): void => later(() => this.isSilent || told());
    return {
      granted: (grant) => {
        const fences = this.#mint(fencesIn(grant.token));
        hears(() => events.granted({ ...grant, fences }));
      },
      wanted: (token, queue) => hears(() => events.wanted(token, queue)),
      revoked: (token) => hears(() => events.revoked(token)),
      recheck: (token, inMs) => hears(() => events.recheck(token, inMs)),
      doubted: (token, key) => hears(() => events.doubted(token, key)),
      unreachable: (trouble) => events.unreachable(trouble),
      reconnected: () => events.reconnected(),
    };
  }

  /** One command; it was not carried out when the server restarted meanwhile. */
  async #run<T>(key: string, command: () => Promise<T>): Promise<T> {
    const { space } = this;
    const timeout = this.clock.now() + COMMAND_TIMEOUT;
    await this.#pass(this.delay);
    const isHeard = !this.isSilent && space === this.space;
    const reply = isHeard ? await command() : undefined;
    await this.#pass(this.delay);
    if (reply !== undefined && !this.isSilent) return reply;
    await this.#pass(timeout - this.clock.now());
    if (isHeard)
      throw new LockUnavailableError([key], 'it did not answer.', undefined, [this.name]);
    throw new NotAppliedError([key], 'it was not heard.', undefined, [this.name]);
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.after(ms, resolve));
  }

  #mint(count: number, floor?: number): FenceBlock {
    const last = Math.max(this.#fence + count, floor ?? Math.floor(this.clock.wall() * 1000));
    this.#fence = last;
    return { next: last - count + 1, last };
  }
}
