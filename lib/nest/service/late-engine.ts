import type { LockSettings } from '../../engine/api/lock-options.js';
import type { LockManager } from '../../engine/lock-manager.js';

/**
 * The engine of a service, opened when its application starts or it is used first: what fails to
 * start before has opened nothing.
 */
export class LateEngine {
  readonly #listeners: ((manager: LockManager) => void)[] = [];
  #manager: LockManager | undefined;

  /** @param busyStatus Status of a busy lock; `false` when the module answers no lock errors. */
  constructor(
    readonly settings: LockSettings,
    readonly busyStatus: number | false,
    private readonly open: () => LockManager,
  ) {}

  get manager(): LockManager {
    if (this.#manager !== undefined) return this.#manager;
    this.#manager = this.open();
    for (const tell of this.#listeners.splice(0)) tell(this.#manager);
    return this.#manager;
  }

  /** Whether new locks are refused for good. */
  get closed(): boolean {
    return this.#manager?.closing === true;
  }

  /** Calls the listener when the engine is opened, before anything else is done with it. */
  whenOpen(listener: (manager: LockManager) => void): void {
    if (this.#manager === undefined) this.#listeners.push(listener);
    else listener(this.#manager);
  }

  /** Ends what was opened. */
  async close(): Promise<void> {
    await this.#manager?.close();
  }
}
