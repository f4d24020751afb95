import { RedisTime } from '../engine/lease.js';
import type {
  AcquireCommand,
  AcquireReply,
  LockStore,
  PollCommand,
  PollReply,
  ReleaseCommand,
  ReleaseReply,
  RenewCommand,
  RenewReply,
  StoreListener,
  StoredLock,
} from '../engine/lock-store.js';
import { readToken } from '../engine/token.js';
import { GrantChannel } from './grant-channel.js';
import { toGrant } from './grant-message.js';
import type { OwnClients } from './lock-connection.js';
import { LockKeys } from './lock-keys.js';
import { RedisConnection } from './redis-connection.js';
import type { Answer } from './redis-connection.js';
import { prepareConnection } from './prepare-connection.js';
import { errorOf } from './redis-errors.js';
import { readAcquired, readInspected, readRenewed } from './replies.js';
import { scanLocks } from './scan-locks.js';
import { acquireScript } from './scripts/acquire.script.js';
import { inspectScript } from './scripts/inspect.script.js';
import { pollScript } from './scripts/poll.script.js';
import { releaseScript } from './scripts/release.script.js';
import { renewScript } from './scripts/renew.script.js';
import { revokeScript } from './scripts/revoke.script.js';

/** Leases renewed by one script; more would keep Redis from others for too long. */
const RENEWALS_A_SCRIPT = 200;

/** Locks on one Redis endpoint. */
export class RedisLockStore implements LockStore {
  readonly #keys: LockKeys;
  readonly #commands: RedisConnection;
  readonly #channel: GrantChannel;
  readonly #time = new RedisTime();
  #listener: StoreListener | undefined;

  constructor(
    clients: OwnClients,
    options: {
      readonly keyPrefix: string;
      readonly commandTimeout: number;
      readonly boot: string;
    },
  ) {
    const { commandTimeout, boot, keyPrefix } = options;
    this.#keys = new LockKeys(clients.keyPrefix + keyPrefix);
    this.#commands = new RedisConnection(clients.commands, commandTimeout, {
      prepare: async (client) => {
        const sample = await prepareConnection(client);
        if (sample !== undefined) this.#time.observe(sample, performance.now());
      },
      ready: () => this.#listener?.reconnected(),
      closed: () => this.#time.reset(),
    });
    this.#channel = new GrantChannel(
      clients.subscriber,
      this.#keys.channel + boot,
      commandTimeout,
      {
        granted: (message) => this.#listener?.granted(toGrant(message, this.#time, this.#keys)),
        wanted: (token, queue) => this.#listener?.wanted(token, queue),
        revoked: (token) => this.#listener?.revoked(token),
        recheck: (token, inMs) => this.#listener?.recheck(token, inMs),
        subscribed: () => this.#listener?.reconnected(),
      },
    );
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    const { key, token, ttl, until, fences, queue, yields } = command;
    const { lock, queue: queueKey, alive } = this.#keys.of(key);
    const callers = queue?.callers ?? 0;
    const args = [
      token,
      Math.floor(ttl),
      this.#notAfter(until),
      fences,
      callers,
      queue?.ticket ?? '',
      yields ?? '',
    ];
    const keys = [lock, queueKey, alive, this.#keys.counter];
    const answer = await this.#commands.run<number[]>(acquireScript, key, keys, [
      ...args,
      this.#keys.channel,
    ]);
    this.#observe(answer.reply[1], answer);
    return readAcquired(answer, ttl) as AcquireReply;
  }

  async poll({ key, token, until, callers }: PollCommand): Promise<PollReply> {
    const args = [token, this.#notAfter(until), callers, this.#keys.channel];
    const answer = await this.#commands.run<number[]>(pollScript, key, this.#allKeys(key), args);
    this.#observe(answer.reply[1], answer);
    return readAcquired(answer, 0) as PollReply;
  }

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const chunks: Promise<readonly RenewReply[]>[] = [];
    for (let i = 0; i < commands.length; i += RENEWALS_A_SCRIPT) {
      chunks.push(this.#renew(commands.slice(i, i + RENEWALS_A_SCRIPT)));
    }
    return (await Promise.all(chunks)).flat();
  }

  async #renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const keys = [this.#keys.counter];
    const args: (string | number)[] = [];
    for (const { key, token, ttl, until, fences, callers } of commands) {
      const { lock, queue, alive } = this.#keys.of(key);
      keys.push(lock, queue, alive);
      args.push(token, Math.floor(ttl), this.#notAfter(until), fences, callers);
    }
    const sentAt = performance.now();
    try {
      const answer = await this.#commands.run<number[]>(
        renewScript,
        commands[0]?.key ?? '',
        keys,
        args,
      );
      this.#observe(answer.reply[0], answer);
      return readRenewed(answer);
    } catch (error) {
      return commands.map(({ key }) => ({ kind: 'unknown', sentAt, error: errorOf(key, error) }));
    }
  }

  async release({ key, token, dwell }: ReleaseCommand): Promise<ReleaseReply> {
    const keys = this.#allKeys(key);
    const args = [token, dwell, this.#keys.channel];
    const { reply, resent } = await this.#commands.run<number>(releaseScript, key, keys, args);
    if (reply === 1) return 'released';
    return resent ? 'unconfirmed' : 'not-held';
  }

  /** Names whom it takes the lock from: sent twice, it must not oust the next holder as well. */
  async revoke(key: string): Promise<boolean> {
    const { token = '~' } = (await this.inspect(key)) ?? { token: '' };
    if (token !== '~' && readToken(token) === undefined) return false;
    const keys = this.#allKeys(key);
    const args = [token, this.#keys.channel];
    const { reply, resent } = await this.#commands.run<number>(revokeScript, key, keys, args);
    return reply === 1 || resent;
  }

  async inspect(key: string): Promise<StoredLock | null> {
    const { lock, queue, alive } = this.#keys.of(key);
    const { reply } = await this.#commands.run<(string | number)[]>(
      inspectScript,
      key,
      [lock, queue, alive],
      [],
    );
    return readInspected(reply);
  }

  keys(match: string): AsyncIterable<readonly string[]> {
    return scanLocks(this.#commands, this.#keys, match);
  }

  async close(): Promise<void> {
    this.#listener = undefined;
    this.#channel.close();
    this.#commands.close();
  }

  #allKeys(key: string): string[] {
    const { lock, queue, alive } = this.#keys.of(key);
    return [lock, queue, alive, this.#keys.counter];
  }

  #notAfter(until: number): number {
    const redisMs = this.#time.toRedis(until);
    return redisMs === undefined ? Number.MAX_SAFE_INTEGER : Math.ceil(redisMs * 1000);
  }

  #observe(us: number | undefined, { sentAt, resent }: Answer<unknown>): void {
    if (us !== undefined && !resent)
      this.#time.observe({ sentAt, redisNow: us / 1000 }, performance.now());
  }
}
