/**
 * Whether a handler's result is work that an interceptor outside runs after it was handed on: a
 * function (`@ts-rest/nest`), an object of nothing else, a procedure of oRPC.
 */
export function runsLater(value: unknown): boolean {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  if ('~orpc' in value) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  let isEmpty = true;
  for (const name in value) {
    if (typeof (value as Record<string, unknown>)[name] !== 'function') return false;
    isEmpty = false;
  }
  return !isEmpty;
}
