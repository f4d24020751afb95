import { afterEach } from '@jest/globals';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
});

/** Calls `close` when the running test is over: what was opened last is closed first. */
export function afterTest(close: () => unknown): void {
  closers.push(close);
}

/** Closes `resource` when the running test is over, and returns it. */
export function closing<T extends AsyncDisposable>(resource: T): T {
  afterTest(() => resource[Symbol.asyncDispose]());
  return resource;
}
