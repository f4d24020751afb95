/** Callers that wait until something is ready. */
export class ReadyWaiters {
  readonly #wakes = new Set<() => void>();

  /** Resolves with the next {@link wake}, or after `timeout` ms all the same. */
  wait(timeout: number): Promise<void> {
    return new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wakes.delete(wake);
        resolve();
      };
      // After a busy spell timers come first: what has arrived is read before it counts as missing.
      const timer = setTimeout(() => setImmediate(wake), timeout);
      this.#wakes.add(wake);
    });
  }

  wake(): void {
    for (const wake of this.#wakes) wake();
  }
}
