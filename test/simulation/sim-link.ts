import { LockUnavailableError } from '../../lib/engine/api/errors.js';
import { NotAppliedError, type StoreEvents } from '../../lib/engine/store/lock-store.js';
import type { Timer } from '../../lib/engine/time/clock.js';
import type { Answer, RedisConnection } from '../../lib/redis/client/redis-connection.js';
import { RedisTime } from '../../lib/redis/client/redis-time.js';
import type { ServerInfo } from '../../lib/redis/client/server-info.js';
import { LockKeys } from '../../lib/redis/keys/lock-keys.js';
import type { LockCommand, LockServers } from '../../lib/redis/servers/lock-servers.js';
import { PushMessages } from '../../lib/redis/servers/push-messages.js';
import type { NodeLink } from '../../lib/redis/store/node-store.js';
import type { SimMachine } from './sim-machine.js';
import type { SimCommand, SimNode } from './sim-node.js';
import type { World } from './world.js';

const RECONNECT_MS = 40;
/** What a dead socket still holds may reach the server so much later. */
const STRAY_MS = 2500;

interface Pending {
  readonly command: SimCommand;
  readonly sentAt: number;
  readonly epoch: number;
  resent: boolean;
  timer: Timer | undefined;
  resolve(reply: unknown): void;
  reject(error: Error): void;
}

/** What a process has to one server: a connection for commands, one for pushes, and the network between. */
export class SimLink implements LockServers, NodeLink {
  readonly keys = new LockKeys('');
  readonly joint = true;
  readonly address: string;
  readonly time: RedisTime;
  server: ServerInfo | undefined;
  /** Since when commands can be sent without a fault in between; for the oracle. */
  healthySince = Infinity;
  /** Until when something was wrong. */
  troubledUntil = -Infinity;
  /** Told of each command that was just sent, until it answers `true`. */
  onSent: ((name: string) => boolean) | undefined;
  slowUntil = 0;
  slowMs = 0;
  silentUntil = 0;
  #epoch = 0;
  #bytesRead = 0;
  #isClosed = false;
  #isConnecting = false;
  #subscribedTo: number | undefined;
  readonly #pending = new Set<Pending>();
  #waiting: (() => void)[] = [];
  #lastRequest = 0;
  #lastReply = 0;
  readonly #pushes = new PushMessages(this.keys, false);
  readonly #deliver: (text: string, by: RedisConnection) => void;
  readonly #random: () => number;
  readonly #onRestart = (): void => this.cut();

  constructor(
    private readonly world: World,
    readonly machine: SimMachine,
    readonly node: SimNode,
    private readonly boot: string,
    private readonly commandTimeout: number,
  ) {
    this.address = `${node.name}:6379`;
    this.time = new RedisTime(machine);
    this.#deliver = this.#pushes.beside({ time: this.time } as unknown as RedisConnection);
    this.#random = world.random(`network from ${machine.name} to ${node.name}`);
    node.onRestart.add(this.#onRestart);
    this.#connect(1);
    this.#subscribe(1);
  }

  get isReady(): boolean {
    return this.server !== undefined;
  }

  listen(events: StoreEvents): void {
    this.#pushes.to = events;
  }

  async run<T>(command: LockCommand): Promise<Answer<T>> {
    const deadline = this.machine.now() + this.commandTimeout;
    if (this.server === undefined) await this.#untilReady(command.key);
    const sent = {
      name: command.script.name,
      keys: command.keys,
      args: command.args(this.time).map(String),
    };
    return this.#send(command.key, sent, deadline);
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

  async probe(): Promise<void> {
    if (this.silentUntil > this.world.now) this.cut();
  }

  close(): void {
    this.#isClosed = true;
    this.#pushes.to = undefined;
    this.node.onRestart.delete(this.#onRestart);
    this.node.subscribers.delete(this.#channel);
    for (const one of this.#pending) one.timer?.stop();
    this.#pending.clear();
  }

  /** Both sockets are gone; what lay in them may still arrive, or not. */
  cut(): void {
    if (this.#isClosed || this.machine.isDead) return;
    this.#trouble(RECONNECT_MS);
    this.#epoch += 1;
    const wasUp = this.server !== undefined;
    this.node.subscribers.delete(this.#channel);
    this.#subscribedTo = undefined;
    for (const one of this.#pending) this.#strayLater(one);
    this.server = undefined;
    this.time.reset();
    this.machine.read(() => {
      if (wasUp) this.#pushes.to?.unreachable({ nodes: [this.address], cause: new Error('cut') });
    });
    this.#connect(RECONNECT_MS * (0.5 + this.#random() * 3));
    this.#subscribe(RECONNECT_MS * (0.5 + this.#random() * 6));
  }

  /** The subscriber alone. */
  cutPushes(): void {
    this.node.subscribers.delete(this.#channel);
    this.#subscribedTo = undefined;
    this.#subscribe(RECONNECT_MS * (1 + this.#random() * 8));
  }

  /** For so long nothing is answered, though what is sent may arrive; pushes are lost. */
  silence(ms: number): void {
    this.silentUntil = this.world.now + ms;
    this.#trouble(ms + this.commandTimeout);
    // The watch of a subscription notices within a few seconds.
    this.machine.after(ms + 500, () => this.cutPushes());
  }

  slow(extra: number, ms: number): void {
    this.slowMs = extra;
    this.slowUntil = this.world.now + ms;
    this.#trouble(ms + extra);
  }

  /** The process is gone: the server notices. */
  die(): void {
    this.node.onRestart.delete(this.#onRestart);
    this.node.subscribers.delete(this.#channel);
    for (const one of this.#pending) this.#strayLater(one);
  }

  #trouble(ms: number): void {
    this.troubledUntil = Math.max(this.troubledUntil, this.world.now + ms);
    this.healthySince = Infinity;
  }

  get #channel(): string {
    return this.keys.of('').channel + this.boot;
  }

  /** A server that can't be reached is tried again and again. */
  #connect(ms: number): void {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    this.world.in(ms, () => {
      this.#isConnecting = false;
      if (this.#isClosed || this.machine.isDead) return;
      if (!this.#isReachable) return this.#connect(RECONNECT_MS);
      this.machine.read(() => this.#connected());
    });
  }

  get #isReachable(): boolean {
    const { now } = this.world;
    return now >= this.node.unreachableUntil && now >= this.silentUntil;
  }

  /** What was under way is sent again before it is known who answers. */
  #connected(): void {
    const epoch = this.#epoch;
    const { node, machine } = this;
    for (const one of this.#pending) {
      if (one.resent) {
        this.#settle(one, () =>
          one.reject(
            new LockUnavailableError([''], 'the connection to Redis failed.', undefined, [
              this.address,
            ]),
          ),
        );
      } else {
        one.resent = true;
        this.#transmit(one);
      }
    }
    const askedAt = machine.now();
    this.world.in(this.#latency(), () => {
      const { runId, uptimeSeconds, us } = node;
      this.world.in(this.#latency(), () =>
        machine.read(() => {
          if (epoch !== this.#epoch || this.#isClosed) return;
          this.time.observe({ sentAt: askedAt, redisNow: us / 1000 }, machine.now());
          const bornAt = machine.now() - Math.max(0, uptimeSeconds - 1) * 1000;
          this.server = {
            runId: `${node.name}/${runId}`,
            bornAt,
            version: '7.0.0',
            mode: 'standalone',
          };
          this.healthySince = this.world.now;
          for (const wake of this.#waiting.splice(0)) wake();
          this.#pushes.to?.reconnected();
        }),
      );
    });
  }

  #subscribe(ms: number): void {
    this.world.in(ms, () => {
      if (this.#isClosed || this.machine.isDead || this.#subscribedTo !== undefined) return;
      if (!this.#isReachable) return this.#subscribe(RECONNECT_MS);
      const { runId } = this.node;
      this.#subscribedTo = runId;
      this.node.subscribers.set(this.#channel, (message) => this.#push(message, runId));
      this.machine.read(() => this.#pushes.to?.reconnected());
    });
  }

  #push(message: string, runId: number): void {
    if (this.silentUntil > this.world.now) return;
    this.world.in(this.#latency(), () =>
      this.machine.read(() => {
        if (this.#isClosed || this.#subscribedTo !== runId) return;
        this.world.say(() => `${this.machine.name}: reads ${pushed(message)}`);
        const isKnown = this.server?.runId === `${this.node.name}/${runId}`;
        this.#deliver(message, { isAtServerOf: () => isKnown } as unknown as RedisConnection);
      }),
    );
  }

  #untilReady(key: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== wake);
        const why = 'there is no connection to Redis.';
        reject(new NotAppliedError([key], why, undefined, [this.address]));
      };
      const timer = this.machine.after(this.commandTimeout, fail);
      const wake = (): void => {
        timer.stop();
        resolve();
      };
      this.#waiting.push(wake);
    });
  }

  #send<T>(key: string, command: SimCommand, deadline: number): Promise<Answer<T>> {
    return new Promise((resolve, reject) => {
      const sentAt = this.machine.now();
      const from = { time: this.time, refusal: refuse } as unknown as RedisConnection;
      const read = this.#bytesRead;
      const one: Pending = {
        ...{ command, sentAt, epoch: this.#epoch, resent: false, timer: undefined, reject },
        resolve: (reply) =>
          resolve({ reply: reply as T, sentAt, resent: one.epoch !== this.#epoch, from }),
      };
      one.timer = this.machine.after(deadline - sentAt, () => {
        this.#settle(one, () => {
          const why = `Redis did not answer within ${this.commandTimeout} ms.`;
          reject(new LockUnavailableError([key], why, undefined, [this.address]));
        });
        this.#strayLater(one);
        if (read === this.#bytesRead) this.cut();
      });
      this.#pending.add(one);
      this.#transmit(one);
      if (this.onSent?.(command.name) === true) this.onSent = undefined;
    });
  }

  /** Commands of a connection arrive in the order in which they were sent, answers come back in it. */
  #transmit(one: Pending): void {
    const epoch = this.#epoch;
    this.#lastRequest = Math.max(this.#lastRequest, this.world.now + this.#latency());
    this.world.at(this.#lastRequest, () => this.#arrive(one, epoch));
  }

  #arrive(one: Pending, epoch: number): void {
    if (epoch !== this.#epoch || this.world.now < this.node.unreachableUntil) return;
    const wait = this.node.frozenUntil - this.world.now;
    if (wait > 0) return this.world.in(wait, () => this.#arrive(one, epoch));
    const reply = this.node.run(one.command);
    this.world.say(
      () =>
        `${this.node.name}: ${shown(one.command)} of ${this.machine.name} → ${JSON.stringify(reply)}`,
    );
    if (this.silentUntil > this.world.now) return;
    this.#lastReply = Math.max(this.#lastReply, this.world.now + this.#latency());
    this.world.at(this.#lastReply, () =>
      this.machine.read(() => {
        if (epoch !== this.#epoch) return;
        this.#bytesRead += 1;
        this.#settle(one, () => one.resolve(reply));
      }),
    );
  }

  #settle(one: Pending, how: () => void): void {
    one.timer?.stop();
    if (this.#pending.delete(one)) how();
  }

  /** A copy of the command may still lie in a socket that nobody reads from. */
  #strayLater(one: Pending): void {
    if (this.#random() < 0.5) return;
    const { runId } = this.node;
    this.world.in(this.#random() * STRAY_MS, () => {
      if (this.node.runId !== runId) return;
      const reply = this.node.run(one.command);
      this.world.say(
        () =>
          `${this.node.name}: late ${shown(one.command)} of ${this.machine.name} → ${JSON.stringify(reply)}`,
      );
    });
  }

  #latency(): number {
    const extra = this.world.now < this.slowUntil ? this.slowMs * this.#random() : 0;
    return 0.1 + this.#random() ** 3 * 4 + extra;
  }
}

function refuse(key: string, error: unknown): Error {
  return new LockUnavailableError([key], String(error));
}

function pushed(message: string): string {
  const [kind, ...rest] = message.split(' ');
  return `${kind} ${rest.flatMap((word) => tokenIn(word) ?? []).join(' ')}`;
}

function shown({ name, args }: SimCommand): string {
  return [name, ...args.flatMap((arg) => tokenIn(arg) ?? [])].join(' ');
}

/** The number by which a process tells its tokens apart. */
function tokenIn(text: string): string | undefined {
  return /^[\w-]{16}\.\d{4}\.\d{4}\.(?:C\d+\.)?([0-9a-z]+)\./.exec(text)?.[1];
}
