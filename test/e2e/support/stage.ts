import { eventually } from '../../support/eventually.js';

/**
 * Where the body of a test's method stops until the test lets it go on, and where the test sees
 * who is inside.
 */
export class Stage {
  /** Who came in, in order. */
  readonly entries: string[] = [];
  inside = 0;
  /** The most that were inside at once. */
  most = 0;
  readonly #waiting: (() => void)[] = [];
  #open = false;

  /** Comes in, waits for `open()` and leaves. */
  async pass(name = ''): Promise<string> {
    this.enter(name);
    if (!this.#open) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.inside -= 1;
    return name;
  }

  enter(name = ''): void {
    this.entries.push(name);
    this.inside += 1;
    this.most = Math.max(this.most, this.inside);
  }

  /** Resolves when `count` calls have come in. */
  async arrived(count: number): Promise<void> {
    await eventually(() => {
      if (this.entries.length < count) {
        throw new Error(`${this.entries.length} of ${count} calls have come in.`);
      }
    });
  }

  /** Lets everybody go on, those who come later too. */
  open(): void {
    this.#open = true;
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
