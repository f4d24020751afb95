import { brand } from '../../engine/api/error-brand.js';
import type { LockError } from '../../engine/api/errors.js';
import { factsOf, noteFacts } from './facts.js';

/**
 * Makes an exception that a transport understands stand for a lock error, which becomes its `cause`:
 * `instanceof` and `@Catch` take it for one, and it has the same fields. Its message stays its own,
 * since filters of all kinds send the messages of such exceptions to clients.
 */
export function standIn<E extends Error>(exception: E, error: LockError): E & LockError {
  // Not enumerable, as `new Error(message, { cause })` has it: serializers leave it alone.
  // Some versions of Nest declare the field, which makes it enumerable.
  const hidden = { configurable: true, writable: true, enumerable: false };
  Object.defineProperty(exception, 'cause', { value: error, ...hidden });
  const stand = Object.assign(exception, error);
  brand(stand);
  noteFacts(stand, factsOf(error));
  return stand;
}
