import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { reapAtExit } from './reaper.mjs';

/** One line of JSON on a child's standard output; `type` says what it is about. */
export interface ChildMessage {
  readonly type: string;
  readonly [field: string]: unknown;
}

export interface ChildOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Options of node itself, before the script. */
  readonly execArgv?: readonly string[];
  /** Path of another node. @default the one that runs the tests */
  readonly execPath?: string;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Waiter {
  matches(message: ChildMessage): boolean;
  resolve(message: ChildMessage): void;
  reject(reason: Error): void;
}

/**
 * A script of `test/children/` in an operating-system process of its own.
 *
 * Messages go both ways as lines of JSON over stdin and stdout (`test/children/parent.mjs`
 * is the child's end). The child is killed when the test process dies.
 */
export class Child {
  /** Resolves when the process has ended and its output has been read. */
  readonly exited: Promise<ChildExit>;
  /** All messages so far, those that `next` has returned too. */
  readonly messages: ChildMessage[] = [];
  /** What it printed on standard output that is not a message. */
  stdout = '';
  stderr = '';
  readonly #script: string;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiters = new Set<Waiter>();
  #read = 0;
  #exit: ChildExit | undefined;

  private constructor(script: string, child: ChildProcessWithoutNullStreams) {
    this.#script = script;
    this.#process = child;
    child.stdin.on('error', () => {});
    child.stderr.on('data', (chunk) => (this.stderr += String(chunk)));
    createInterface({ input: child.stdout }).on('line', (line) => this.#onLine(line));
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
        for (const waiter of this.#waiters) waiter.reject(this.#ended());
      });
    });
  }

  /** Starts `test/children/<script>`. */
  static start(script: string, options: ChildOptions = {}): Child {
    const path = fileURLToPath(new URL(`../children/${script}`, import.meta.url));
    const args = [...(options.execArgv ?? []), path, ...(options.args ?? [])];
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const child = spawn(options.execPath ?? process.execPath, args, {
      env: { ...inherited, ...options.env },
      stdio: 'pipe',
    });
    return new Child(script, reapAtExit(child));
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /**
   * Resolves with the next message of this type that has not been returned yet, passing over
   * others; rejects when none comes in time or the child ends first.
   *
   * @param options.within Longest wait; milliseconds. @default 30_000
   */
  async next(type: string, options: { readonly within?: number } = {}): Promise<ChildMessage> {
    const within = options.within ?? 30_000;
    for (const message of this.messages.slice(this.#read)) {
      this.#read += 1;
      if (message.type === type) return message;
    }
    if (this.#exit !== undefined) throw this.#ended();
    return this.#wait((message) => message.type === type, within);
  }

  /** Sends a message to the child. */
  send(message: ChildMessage): void {
    this.#process.stdin.write(`${JSON.stringify(message)}\n`);
  }

  /** SIGSTOP: the process stops where it is; its sockets stay open. */
  stop(): void {
    this.#process.kill('SIGSTOP');
  }

  /** SIGCONT after `stop()`. */
  resume(): void {
    this.#process.kill('SIGCONT');
  }

  /** SIGTERM, or another signal; `exited` tells how it went. */
  async terminate(signal: NodeJS.Signals = 'SIGTERM'): Promise<ChildExit> {
    this.#process.kill(signal);
    return this.exited;
  }

  /** SIGKILL, also of a stopped process; idempotent. */
  async kill(): Promise<ChildExit> {
    return this.terminate('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #wait(matches: Waiter['matches'], within: number): Promise<ChildMessage> {
    let timer: NodeJS.Timeout | undefined;
    let waiter: Waiter | undefined;
    try {
      return await new Promise((resolve, reject) => {
        waiter = { matches, resolve, reject };
        this.#waiters.add(waiter);
        timer = setTimeout(() => reject(this.#failure(`was silent for ${within} ms`)), within);
      });
    } finally {
      clearTimeout(timer);
      if (waiter !== undefined) this.#waiters.delete(waiter);
    }
  }

  #onLine(line: string): void {
    const message = parse(line);
    if (message === undefined) {
      this.stdout += `${line}\n`;
      return;
    }
    this.messages.push(message);
    for (const waiter of this.#waiters) {
      this.#read = this.messages.length;
      if (!waiter.matches(message)) continue;
      // The next line may come before the waiter knows.
      this.#waiters.delete(waiter);
      waiter.resolve(message);
    }
  }

  #ended(): Error {
    return this.#failure(`ended with ${this.#exit?.code ?? this.#exit?.signal}`);
  }

  #failure(what: string): Error {
    const output = [this.stdout, this.stderr].filter((text) => text !== '').join('\n');
    return new Error(`Child ${this.#script} ${what} before the message came.\n${output}`);
  }
}

function parse(line: string): ChildMessage | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as ChildMessage;
  } catch {
    return undefined;
  }
}
