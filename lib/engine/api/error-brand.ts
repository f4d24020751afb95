/** Marks our errors across copies of the package: `Symbol.for` is one registry for the whole process. */
const BRAND = Symbol.for('nestjs-redis-lock.error');

/** Makes an error one of ours, for `isLockError` and `instanceof`; it must have `code` and `keys`. */
export function brand(error: Error): void {
  Object.defineProperty(error, BRAND, { value: true });
}

/** Whether an error is one of ours, also of another copy of this package. */
export function isBranded(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && BRAND in error;
}
