import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import {
  freePort,
  makeTemporaryDirectory,
  removeTemporaryDirectory,
  spawnRedis,
} from './spawn-redis.mjs';

export interface RedisServerOptions {
  /** More command-line options, e.g. `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
  /** A free loopback port by default. */
  readonly port?: number;
  /** Text of a configuration file; Sentinel needs one to write to. */
  readonly config?: string;
  /** What is added to its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A real Redis server of a test: on loopback, without persistence, in a directory of its own.
 *
 * It holds the test process alive until `stop()`: a test that forgets it fails. It is killed
 * when the test process dies first.
 */
export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #config: string | undefined;
  readonly #env: Readonly<Record<string, string>>;
  readonly #dir: string;
  #child: ChildProcess | undefined;
  #isPaused = false;

  private constructor(port: number, dir: string, options: RedisServerOptions) {
    this.port = port;
    this.#dir = dir;
    this.#args = options.args ?? [];
    this.#config = options.config;
    this.#env = options.env ?? {};
  }

  /** Starts a server; resolves when it takes connections, usually within 50 ms. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const dir = makeTemporaryDirectory();
    const attempts = options.port === undefined ? 3 : 1;
    for (let attempt = 1; ; attempt += 1) {
      const server = new RedisServer(options.port ?? (await freePort()), dir, options);
      try {
        await server.#launch();
        return server;
      } catch (error) {
        // Somebody may take a free port before the server does.
        if (attempt < attempts && /in use/.test(String(error))) continue;
        removeTemporaryDirectory(dir);
        throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`The Redis server on port ${this.port} is not running.`);
    return pid;
  }

  /** Kills the server and removes its directory; idempotent. */
  async stop(): Promise<void> {
    await this.kill();
    removeTemporaryDirectory(this.#dir);
  }

  /** SIGKILL: connections break at once, all data are gone. `restart()` brings it back. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Kills the server if it runs and starts it again, empty, on the same port. */
  async restart(): Promise<void> {
    await this.kill();
    await this.#launch();
  }

  get isPaused(): boolean {
    return this.isRunning && this.#isPaused;
  }

  /** SIGSTOP: the kernel goes on accepting connections and bytes; nothing is answered. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
    this.#isPaused = true;
  }

  /** SIGCONT: everything that came meanwhile is executed now. */
  resume(): void {
    process.kill(this.pid, 'SIGCONT');
    this.#isPaused = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #launch(): Promise<void> {
    this.#isPaused = false;
    this.#child = await spawnRedis({
      args: this.#args,
      port: this.port,
      dir: this.#dir,
      env: this.#env,
      ...(this.#config === undefined ? {} : { config: this.#config }),
    });
  }
}
