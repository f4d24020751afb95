import { inspect, type InspectOptions } from 'node:util';

/** What a lock shows of itself. */
export interface LockFacts {
  readonly keys: readonly string[];
  readonly fencingToken: number;
  readonly remainingMs: number;
}

/** How every lock shows itself, in a log or in an answer to a client: never its token. */
export abstract class ShownLock implements LockFacts {
  abstract get keys(): readonly string[];
  abstract get fencingToken(): number;
  abstract get remainingMs(): number;

  toJSON(): LockFacts {
    const { keys, fencingToken, remainingMs } = this;
    return { keys, fencingToken, remainingMs };
  }

  [inspect.custom](_depth: number, options: InspectOptions): string {
    return `Lock ${inspect(this.toJSON(), options)}`;
  }
}
