import type { Redis } from 'ioredis';
import type { StoreTrouble } from '../../engine/store/lock-store.js';
import { RedisConnection } from '../client/redis-connection.js';
import type { ServerSettings } from '../servers/lock-servers.js';
import type { PushMessages } from '../servers/push-messages.js';
import { ScriptRunner } from '../servers/script-runner.js';

/** What a node of a Cluster tells unasked. */
export interface ClusterNodeHooks {
  /** Commands can be sent to it, anew. */
  ready(): void;
  /** A connection to it is gone. */
  closed(): void;
  /** Its subscriber is connected anew, or has lost its connection. */
  subscriberReady(node: ClusterNode): void;
  subscriberClosed(node: ClusterNode): void;
  /** Why a connection to it fails. */
  troubled(trouble: StoreTrouble): void;
  /** It has ended some subscriptions: their slots are elsewhere. */
  unsubscribed(node: ClusterNode): void;
  /** Reads what was published. */
  readonly pushes: PushMessages;
}

/** One node of a Cluster: a connection for commands and, once somebody waits there, one that listens. */
export class ClusterNode {
  readonly scripts: ScriptRunner;
  #subscriber: RedisConnection | undefined;
  #closed = false;

  constructor(
    /** `host:port`. */
    readonly name: string,
    private readonly open: () => Redis,
    private readonly options: ServerSettings,
    private readonly hooks: ClusterNodeHooks,
  ) {
    this.scripts = new ScriptRunner(open, 'sharded', options, {
      ready: () => {
        hooks.ready();
        // What cut this connection may have left the other half open.
        this.ping();
      },
      closed: () => this.#closed || hooks.closed(),
      troubled: (trouble) => hooks.troubled(trouble),
    });
  }

  get commands(): RedisConnection {
    return this.scripts.commands;
  }

  get isReady(): boolean {
    return this.commands.client.status === 'ready';
  }

  /** The connection that listens; opened at first use. */
  get subscriber(): RedisConnection {
    if (this.#subscriber !== undefined) return this.#subscriber;
    const client = this.open();
    // Sent again by the client, a subscription would go first and let nothing else through behind it.
    client.options.autoResendUnfulfilledCommands = false;
    const subscriber = new RedisConnection(client, this.options, {
      ready: () => this.hooks.subscriberReady(this),
      closed: () => this.#closed || this.hooks.subscriberClosed(this),
      troubled: (trouble) => this.hooks.troubled(trouble),
    });
    const heard = this.hooks.pushes.beside(this.commands);
    client.on('smessage', (_channel: string, text: string) => heard(text, subscriber));
    client.on('moved', () => this.hooks.unsubscribed(this));
    if (this.#closed) subscriber.close();
    return (this.#subscriber = subscriber);
  }

  /** Tests the sockets that are not always in use; a half-open one is torn down. */
  ping(): void {
    this.scripts.check();
    if (this.#subscriber?.client.status !== 'ready') return;
    void this.#subscriber.probe();
  }

  close(): void {
    this.#closed = true;
    this.scripts.close();
    this.#subscriber?.close();
  }
}
