import { LockUnavailableError } from '../../engine/api/errors.js';
import { NotAppliedError, type StoreListener } from '../../engine/store/lock-store.js';
import { systemClock } from '../../engine/time/clock.js';
import { ReadyWaiters } from '../client/ready-waiters.js';
import type { RedisConnection } from '../client/redis-connection.js';
import { raiseScript } from '../scripts/raise.script.js';
import type { ServersListener } from '../servers/push-messages.js';
import type { SingleServer } from '../servers/single-server.js';
import { RedisLockStore } from '../store/redis-lock.store.js';
import { leastAge } from './arithmetic.js';
import { type Debt, OwedReleases } from './owed-releases.js';

/** What a node tells unasked. */
export interface NodeHooks extends Omit<StoreListener, 'unreachable'> {
  /** It has told who it is, after each connect. */
  identified(): void;
}

/** One of the independent servers of a quorum: its store, whether it answers, and who it is. */
export class QuorumNode {
  readonly store: RedisLockStore;
  /** Settles at the first contact, good or bad. */
  readonly contact: Promise<void>;
  /** The server's own name; two nodes with one name are one server. */
  runId: string | undefined;
  /** When the server started at the latest, our time; `undefined`: it does not tell. */
  bornAt: number | undefined;
  /** Whether it was another process when we first met it. */
  hasRestarted = false;
  #settle: () => void = () => undefined;
  readonly #server: SingleServer;
  readonly #debts = new OwedReleases((token, { key, minHoldLeft }) =>
    this.call(key, (store) => store.release({ key, token, minHoldLeft })),
  );
  readonly #waiting = new ReadyWaiters(systemClock);
  #contacted = false;
  #isUp = false;
  #suspect = false;
  #probing = false;

  constructor(
    open: (listener: ServersListener) => SingleServer,
    commandTimeout: number,
    private readonly hooks: NodeHooks,
  ) {
    const timer = setTimeout(() => this.#settle(), commandTimeout).unref();
    this.contact = new Promise((resolve) => {
      this.#settle = () => {
        this.#contacted = true;
        clearTimeout(timer);
        resolve();
      };
    });
    let server!: SingleServer;
    this.store = new RedisLockStore((listener) => (server = open(listener)));
    this.#server = server;
    this.store.listen({
      ...hooks,
      // The others may make a majority without it.
      unreachable: () => {},
      reconnected: () => {
        void this.#debts.retry();
        hooks.reconnected();
      },
    });
    const { client } = this.#commands;
    // With what prepares the connection: who it is, is known before it answers anything else.
    client.on('ready', () => this.#ready());
    client.on('close', () => this.#closed());
  }

  /** The server's address, for errors. */
  get address(): string {
    return this.#commands.node;
  }

  get isReady(): boolean {
    return this.#commands.client.status === 'ready';
  }

  /** Whether an answer can be expected; else nobody waits for it. */
  get isAwaited(): boolean {
    return this.isReady ? !this.#suspect : !this.#contacted;
  }

  /** Resolves when connected, or after `timeout` ms all the same. */
  async ready(timeout: number): Promise<void> {
    if (this.isReady) return;
    await this.#waiting.wait(timeout);
  }

  /** Makes one attempt. A node without connection refuses at once, but for its first contact. */
  async call<T>(key: string, command: (store: RedisLockStore) => Promise<T>): Promise<T> {
    if (!this.#contacted) await this.contact;
    if (!this.isReady) {
      this.#probe();
      throw new NotAppliedError([key], 'there is no connection to Redis.', undefined, [
        this.address,
      ]);
    }
    try {
      const reply = await command(this.store);
      this.#suspect = false;
      // It hears again, though its connection was never cut.
      void this.#debts.settle();
      return reply;
    } catch (error) {
      this.#suspect = error instanceof LockUnavailableError && !(error instanceof NotAppliedError);
      throw error;
    }
  }

  /** Raises the fence counter to `fence`; `false`: `token` does not hold the lock here. */
  async raise(key: string, token: string, fence: number): Promise<boolean> {
    const place = this.#server.keys.of(key);
    const keys = [place.lock, place.counter];
    const args = () => [token, fence];
    const command = { script: raiseScript, key, place, keys, args };
    const { reply } = await this.#server.run<number>(command);
    return reply === 1;
  }

  /** Repeats a release when the server is back, up to the moment `until`. */
  owe(token: string, debt: Debt): void {
    this.#debts.owe(token, debt);
  }

  /** Whether a release of `token` is to be repeated: it must not be given a vote before. */
  owes(token: string): boolean {
    return this.#debts.owes(token);
  }

  async close(): Promise<void> {
    this.#debts.close();
    this.#waiting.wake();
    await this.store.close();
  }

  get #commands(): RedisConnection {
    return this.#server.commands;
  }

  #ready(): void {
    this.#isUp = true;
    this.#waiting.wake();
    this.#commands.client
      .info('server')
      .then((info) => this.#identify(info))
      // Not allowed to ask, or gone again.
      .catch(() => undefined)
      .finally(this.#settle);
  }

  /** Whoever waits for a push of this node must look elsewhere; a failed try to connect tells nothing new. */
  #closed(): void {
    this.#settle();
    if (this.#isUp) this.hooks.reconnected();
    this.#isUp = false;
  }

  #identify(info: string): void {
    const runId = /^run_id:(\S+)/m.exec(info)?.[1];
    const uptime = /^uptime_in_seconds:(\d+)/m.exec(info)?.[1];
    if (this.runId !== undefined && runId !== this.runId) this.hasRestarted = true;
    this.runId = runId;
    const age = uptime === undefined ? undefined : leastAge(Number(uptime));
    this.bornAt = age === undefined ? undefined : performance.now() - age;
    this.hooks.identified();
  }

  /** Tears down a connection on which the server's greeting never comes. */
  #probe(): void {
    if (this.#probing) return;
    this.#probing = true;
    void this.#commands.probe().finally(() => (this.#probing = false));
  }
}
