import { LockUnavailableError } from '../../lib/engine/api/errors.js';
import type { StoreEvents } from '../../lib/engine/store/lock-store.js';
import { systemClock } from '../../lib/engine/time/clock.js';
import type { Answer, RedisConnection } from '../../lib/redis/client/redis-connection.js';
import { RedisTime } from '../../lib/redis/client/redis-time.js';
import { LockKeys } from '../../lib/redis/keys/lock-keys.js';
import type { LockCommand, LockServers } from '../../lib/redis/servers/lock-servers.js';
import { PushMessages } from '../../lib/redis/servers/push-messages.js';
import { Keyspace } from '../simulation/keyspace.js';
import { REFERENCE_SCRIPTS } from '../simulation/reference-scripts.js';

/** A server in this process, by the present time, that does what the reference of the simulation says. */
export class ReferenceServer {
  readonly subscribers = new Map<string, (message: string) => void>();
  /** The scripts that were run. */
  readonly ran = new Set<string>();
  readonly db = new Keyspace(() => Math.floor(this.#us / 1000));
  #us = 0;

  run({ script, keys }: LockCommand, args: readonly string[]): unknown {
    const now = (performance.timeOrigin + performance.now()) * 1000;
    this.#us = Math.max(Math.floor(now), this.#us + 1);
    const publish = (channel: string, message: string): boolean => {
      const heard = this.subscribers.get(channel);
      if (heard !== undefined) setImmediate(() => heard(message));
      return heard !== undefined;
    };
    this.ran.add(script.name);
    return REFERENCE_SCRIPTS[script.name]?.({ db: this.db, us: this.#us, keys, args, publish });
  }
}

/** One process' connection to such a server, without a network. */
export class ReferenceServers implements LockServers {
  readonly keys: LockKeys;
  readonly joint = true;
  readonly #time = new RedisTime(systemClock);
  readonly #pushes: PushMessages;
  readonly #from: RedisConnection;

  constructor(
    private readonly server: ReferenceServer,
    keyPrefix: string,
    boot: string,
  ) {
    this.keys = new LockKeys(keyPrefix);
    this.#pushes = new PushMessages(this.keys, false);
    const refusal = (key: string, error: unknown): Error =>
      new LockUnavailableError([key], String(error));
    this.#from = {
      time: this.#time,
      refusal,
      isAtServerOf: () => true,
    } as unknown as RedisConnection;
    const deliver = this.#pushes.beside(this.#from);
    server.subscribers.set(this.keys.of('').channel + boot, (text) => deliver(text, this.#from));
  }

  listen(events: StoreEvents): void {
    this.#pushes.to = events;
  }

  async run<T>(command: LockCommand): Promise<Answer<T>> {
    const sentAt = systemClock.now();
    const reply = this.server.run(command, command.args(this.#time).map(String)) as T;
    return { reply, sentAt, resent: false, from: this.#from };
  }

  hears(): boolean {
    return true;
  }

  async listenFor(): Promise<boolean> {
    return true;
  }

  async all(): Promise<readonly RedisConnection[]> {
    return [];
  }

  close(): void {
    this.#pushes.to = undefined;
  }
}
