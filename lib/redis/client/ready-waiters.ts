import { afterReads, type Clock } from '../../engine/time/clock.js';

/** Callers that wait until something is ready. */
export class ReadyWaiters {
  readonly #wakes = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  /** Resolves with the next {@link wake}, or after `timeout` ms all the same. */
  wait(timeout: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = (): void => {
        this.clock.cancel(timer);
        this.#wakes.delete(wake);
        resolve();
      };
      const timer = this.clock.after(timeout, () => afterReads(wake));
      this.#wakes.add(wake);
    });
  }

  wake(): void {
    for (const wake of this.#wakes) wake();
  }
}
