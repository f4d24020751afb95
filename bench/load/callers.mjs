import { now, sleep } from './clock.mjs';
import { Samples } from './samples.mjs';

/** Callers of one process: each asks, enters, leaves, gives back; notes when. */
export class Callers {
  samples = new Samples();
  errors = 0;
  /** @type {string | undefined} */
  firstError;
  /** Since when each caller waits; by caller. */
  #waiting = new Map();
  #acquire;

  constructor(acquire) {
    this.#acquire = acquire;
  }

  /**
   * One acquisition. A library that gives up is asked again; the wait goes on.
   *
   * @param {number} caller
   * @param {{ key: string, holdMs: number, askedAt?: number, deadline: number }} section
   */
  async once(caller, { key, holdMs, askedAt = now(), deadline }) {
    this.#waiting.set(caller, askedAt);
    const release = await this.#enter(key, deadline);
    if (release === undefined) return;
    const enteredAt = now();
    this.#waiting.delete(caller);
    if (holdMs > 0) await sleep(holdMs);
    const leftAt = now();
    await release().catch((error) => this.#note(error));
    this.samples.record(caller, askedAt, enteredAt, leftAt, now());
  }

  /** Who waits: caller, since when, and so on. */
  waiting() {
    return Float64Array.from([...this.#waiting].flat());
  }

  async #enter(key, deadline) {
    for (;;) {
      try {
        return await this.#acquire(key);
      } catch (error) {
        this.#note(error);
        if (now() >= deadline) return undefined;
        await sleep(1);
      }
    }
  }

  #note(error) {
    this.errors += 1;
    this.firstError ??= String(error);
  }
}
