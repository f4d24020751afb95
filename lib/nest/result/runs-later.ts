/**
 * Whether a handler's result is work that somebody outside runs after it was handed on: a function
 * (`@ts-rest/nest`), a procedure of oRPC, or objects and lists of nothing else. A function beside
 * fields is none: it comes with the data (a helper of a view, a method of a record), and JSON drops it.
 *
 * @param depth How many levels of objects and lists are looked into.
 */
export function runsLater(value: unknown, depth: number): boolean {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  if ('~orpc' in value) return true;
  if (depth === 0) return false;
  if (Array.isArray(value)) {
    return value.length > 0 && value.every((each) => runsLater(each, depth - 1));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  let isEmpty = true;
  for (const name in value) {
    const part = (value as Record<string, unknown>)[name];
    // What JSON asks for the value that is sent.
    if (name === 'toJSON' || !runsLater(part, depth - 1)) return false;
    isEmpty = false;
  }
  return !isEmpty;
}
