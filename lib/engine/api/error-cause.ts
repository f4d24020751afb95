import { types } from 'node:util';
import { isBranded } from './error-brand.js';

/** Redis repeats the arguments of a command that it does not know: of AUTH, or of a script of ours. */
const ECHOED = /,? with args beginning with:.*/s;

/**
 * Copies what is safe to log of an error: name, message, code and stack.
 * A client's own error object carries the command with its arguments: passwords and tokens.
 */
export function copyOfError(error: unknown): Error {
  if (isBranded(error)) return error;
  // Not `instanceof`: Node's own errors are of another realm where tests run in a sandbox.
  if (!types.isNativeError(error)) return new Error(textOf(error));
  const message = messageOf(error);
  const copy = new Error(message);
  copy.name = error.name;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') Object.assign(copy, { code });
  const { stack } = error;
  if (stack !== undefined)
    copy.stack = error.message === '' ? stack : stack.replace(error.message, () => message);
  return copy;
}

/** Node tells of a host with several addresses by an `AggregateError` without words of its own. */
function messageOf(error: Error): string {
  const { errors } = error as { errors?: unknown };
  if (error.message !== '' || !Array.isArray(errors)) return error.message.replace(ECHOED, '.');
  return errors.map((each: unknown) => copyOfError(each).message).join('; ');
}

/** A value that was thrown as text; some have none: `Object.create(null)`, or what throws when it is asked. */
export function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return `${typeof thrown} without text`;
  }
}
