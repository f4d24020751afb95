/**
 * What a call makes of what it gets, or of why it gets nothing, before its caller has it. It is done where the
 * call's promise settles: one more promise for it would cost 7 % of a hand-over inside the process.
 */
export interface Reception<T, R> {
  readonly got: (value: T) => R;
  /** Returns what the promise rejects with. */
  readonly failed: (reason: unknown) => unknown;
}

const same = <T>(it: T): T => it;
const unchanged = { got: same, failed: same };

/** Hands on what comes. */
export function asItIs<T>(): Reception<T, T> {
  return unchanged;
}

/** The same for a promise that is there already. */
export function receive<T, R>(promise: Promise<T>, to: Reception<T, R>): Promise<R> {
  return promise.then(to.got, (reason: unknown) => {
    throw to.failed(reason);
  });
}
