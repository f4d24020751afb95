import { forKey } from '../client/redis-errors.js';

/**
 * Locks in one script; more would keep Redis from others for too long. Lua's tables grow to powers of
 * two, and 63 locks have 253 keys: one more would take a table of 512.
 */
const LOCKS_A_SCRIPT = 63;

interface Entry<Command, Reply> {
  readonly command: Command;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Joins what is asked for different locks within one tick: one script serves many of them for
 * little more than the price of one. A lone command waits for nothing but the rest of its tick.
 */
export class TickBatch<Command extends { readonly key: string }, Reply> {
  #entries = new Map<string, Entry<Command, Reply>>();

  /** @param send Sends them in this order; one reply or error for each. */
  constructor(
    private readonly send: (commands: readonly Command[]) => Promise<readonly (Reply | Error)[]>,
  ) {}

  add(command: Command): Promise<Reply> {
    const { key } = command;
    if (this.#entries.size === LOCKS_A_SCRIPT) this.flush();
    this.flushBefore(key);
    if (this.#entries.size === 0) process.nextTick(() => this.flush());
    return new Promise((resolve, reject) => {
      this.#entries.set(key, { command, resolve, reject });
    });
  }

  /** What comes next for this key must come after what is here. */
  flushBefore(key: string): void {
    if (this.#entries.has(key)) this.flush();
  }

  flush(): void {
    if (this.#entries.size === 0) return;
    const entries = [...this.#entries.values()];
    this.#entries = new Map();
    this.send(entries.map(({ command }) => command)).then(
      (replies) => {
        entries.forEach(({ resolve, reject }, i) => {
          const reply = replies[i] as Reply | Error;
          if (reply instanceof Error) reject(reply);
          else resolve(reply);
        });
      },
      (error: unknown) => {
        for (const { command, reject } of entries) reject(forKey(command.key, error));
      },
    );
  }
}
