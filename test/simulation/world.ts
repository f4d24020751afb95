import { seededRandom } from '../support/random.js';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** More happens in no sound world. */
const MOST_EVENTS = 100_000;

/** Time that stands still between events; whatever happens, happens here, in an order that the seed repeats. */
export class World {
  now = 0;
  /** Each line: when, and what. */
  readonly log: string[] = [];
  #order = 0;
  readonly #heap: Event[] = [];

  constructor(
    private readonly seed: number,
    private readonly logs: boolean,
  ) {}

  /** Random numbers for one purpose: what others draw does not change them. */
  random(purpose: string): () => number {
    let hash = this.seed;
    for (const byte of Buffer.from(purpose)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return seededRandom(hash);
  }

  say(text: () => string): void {
    if (this.logs) this.log.push(`${this.now.toFixed(1).padStart(9)}  ${text()}`);
  }

  at(moment: number, run: () => void): void {
    this.#order += 1;
    push(this.#heap, { at: Math.max(moment, this.now), order: this.#order, run });
  }

  in(ms: number, run: () => void): void {
    this.at(this.now + ms, run);
  }

  /** Lets everything happen until `moment`, or until `isOver`. */
  run(moment: number, isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let events = 0;
      // Promises that wait for nothing but each other settle before the next event.
      const next = (): void => {
        const event = this.#heap[0];
        if (event === undefined || event.at > moment || isOver()) {
          if (!isOver()) this.now = Math.max(this.now, moment);
          return resolve();
        }
        events += 1;
        if (events > MOST_EVENTS) return reject(new Error(`time stands still at ${this.now} ms`));
        pop(this.#heap);
        this.now = event.at;
        try {
          event.run();
        } catch (error) {
          return reject(error);
        }
        setImmediate(next);
      };
      setImmediate(next);
    });
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Event[], event: Event): void {
  heap.push(event);
  let i = heap.length - 1;
  while (i > 0) {
    const up = (i - 1) >> 1;
    if (!isBefore(event, heap[up]!)) break;
    heap[i] = heap[up]!;
    i = up;
  }
  heap[i] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let i = 0;
  for (;;) {
    let down = 2 * i + 1;
    if (down >= heap.length) break;
    if (down + 1 < heap.length && isBefore(heap[down + 1]!, heap[down]!)) down += 1;
    if (!isBefore(heap[down]!, last)) break;
    heap[i] = heap[down]!;
    i = down;
  }
  heap[i] = last;
}
