import { AsyncLocalStorage } from 'node:async_hooks';

const used = new Set<AsyncLocalStorage<unknown>>();
const { value } = Object.getOwnPropertyDescriptor(AsyncLocalStorage.prototype, 'run') ?? {};
const run = value as AsyncLocalStorage<unknown>['run'];

// Before Node 24 each promise costs as much as there are storages that were ever used, and thousands
// of managers leave theirs behind.
AsyncLocalStorage.prototype.run = function (
  this: AsyncLocalStorage<unknown>,
  ...args: Parameters<typeof run>
) {
  used.add(this);
  return run.apply(this, args);
} as typeof run;

/** Ends the async contexts of managers that are not used any more. */
export function endAsyncContexts(): void {
  for (const storage of used) storage.disable();
  used.clear();
}
