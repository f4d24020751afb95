import type { Redis } from 'ioredis';
import type { ConnectionHooks } from '../client/connection-settings.js';
import { type Answer, RedisConnection } from '../client/redis-connection.js';
import { observe, type RedisTime } from '../client/redis-time.js';
import { isNoScript } from '../client/redis-errors.js';
import type { ServerInfo } from '../client/server-info.js';
import {
  type Argument,
  type ScriptForm,
  type ScriptText,
  textOf,
  type Topology,
} from '../scripts/define-script.js';
import { loadScripts } from '../scripts/load-scripts.js';
import type { LockCommand, ServerSettings } from './lock-servers.js';
import type { Replicas } from './replicas.check.js';
import { runReplicated } from './replicas.js';

/** Runs scripts on one server: one connection for all, and one for grants that replicas must have. */
export class ScriptRunner {
  readonly commands: RedisConnection;
  readonly #form: ScriptForm;
  readonly #grants: RedisConnection | undefined;
  readonly #replicas: Replicas | undefined;

  constructor(
    open: () => Redis,
    topology: Topology,
    settings: ServerSettings,
    hooks: Omit<ConnectionHooks, 'prepare'>,
  ) {
    const { commandTimeout, replicas, coexist = false } = settings;
    const form = { topology, coexist };
    const alone = topology === 'single';
    const prepare: ConnectionHooks['prepare'] = (client, time) => loadScripts(client, time, form);
    this.commands = new RedisConnection(open(), settings, { ...hooks, alone, prepare });
    this.#form = form;
    this.#replicas = replicas;
    if (replicas === undefined) return;
    // A command here may stand behind another one's wait for the replicas.
    const patient = { ...settings, commandTimeout: commandTimeout + replicas.timeout };
    this.#grants = new RedisConnection(open(), patient, {
      alone,
      prepare,
      // Who the server is is known once both are: the last of them tells.
      ready: () => this.commands.server !== undefined && hooks.ready(),
      troubled: hooks.troubled,
    });
  }

  /** The clients of its connections. */
  get clients(): readonly Redis[] {
    const { commands } = this;
    return this.#grants === undefined ? [commands.client] : [commands.client, this.#grants.client];
  }

  /** The server that all its connections are at; `undefined`: not known. */
  get server(): ServerInfo | undefined {
    const isAtOne = this.#grants?.isAtServerOf(this.commands) ?? true;
    return isAtOne ? this.commands.server : undefined;
  }

  /** @param asking The server is only about to get the slot. */
  run<T>(command: LockCommand, asking = false): Promise<Answer<T>> {
    if (this.#replicas === undefined || this.#grants === undefined || command.grants !== true)
      return this.#send(this.commands, command, asking);
    return this.#grant(this.#grants, this.#replicas, command, asking);
  }

  /** Each connection may have been left alone for long. */
  check(): void {
    void probeTime(this.commands);
    if (this.#grants === undefined) return;
    this.commands.dropOlderIfServersDiffer(this.#grants);
    void probeTime(this.#grants);
  }

  close(): void {
    this.commands.close();
    this.#grants?.close();
  }

  async #grant<T>(
    grants: RedisConnection,
    replicas: Replicas,
    command: LockCommand,
    asking: boolean,
  ): Promise<Answer<T>> {
    const { key } = command;
    // What is granted over the one is renewed and released over the other.
    if (!grants.isAtServerOf(this.commands)) {
      const both = [this.commands, grants];
      await Promise.all(both.map((connection) => connection.send(key, (client) => client.ping())));
      this.commands.dropOlderIfServersDiffer(grants);
    }
    return runReplicated(grants, key, replicas, () => this.#send(grants, command, asking));
  }

  #send<T>(on: RedisConnection, command: LockCommand, asking: boolean): Promise<Answer<T>> {
    const { script, key, keys, args } = command;
    return runScript(on, textOf(script, this.#form), key, keys, args, asking);
  }
}

/**
 * Runs a script on one connection; the whole takes at most its `commandTimeout`.
 *
 * @param asking The node is only about to get the slot: each command says that it knows.
 */
function runScript<T>(
  connection: RedisConnection,
  script: ScriptText,
  key: string,
  keys: readonly string[],
  build: (time: RedisTime) => readonly Argument[],
  asking = false,
): Promise<Answer<T>> {
  return connection.send<T>(key, (client, deadline) => {
    // By the clock of the server that it goes to, which is known once there is a connection.
    const args = build(connection.time);
    if (asking) client.asking().catch(() => undefined);
    return client.evalsha(script.sha1, keys.length, ...keys, ...args).catch((error: unknown) => {
      // Once the caller has given up, what it sent to undo this command is on its way already.
      if (!isNoScript(error) || connection.time.now >= deadline) throw error;
      if (asking) client.asking().catch(() => undefined);
      return client.eval(script.lua, keys.length, ...keys, ...args);
    });
  });
}

/** Asks for the server's clock, which tests the socket as well: a sample grows worse with its age. */
async function probeTime(connection: RedisConnection): Promise<void> {
  const asked = connection.send<[string, string]>('', (client) => client.time());
  const answer = await asked.catch(() => undefined);
  if (answer === undefined) return;
  const [seconds, microseconds] = answer.reply;
  observe(Number(seconds) * 1e6 + Number(microseconds), answer);
}
