import { createHash } from 'node:crypto';
import type { DetachedLock, DetachedLocks } from '../api/detached-lock.js';
import { LockConfigError } from '../api/errors.js';
import { checkKeys } from '../api/lock-key.js';
import { isToken } from './token.js';

/**
 * `lock-ticket.<version>.<content>.<check>`: fit for a URL, a header or the data of a job. The check tells
 * a text that was cut or changed on its way; it protects from nobody.
 */
const NAME = 'lock-ticket';
const VERSION = '1';
const CHECK_BYTES = 9;

/** Writes the ticket of what was detached. */
export function writeTicket(locks: readonly DetachedLock[]): string {
  const content = locks.map(({ key, token, fence, lease, minHoldLeft }) => {
    return [key, token, fence, lease, minHoldLeft];
  });
  const text = Buffer.from(JSON.stringify(content)).toString('base64url');
  return [NAME, VERSION, text, checkOf(text)].join('.');
}

/**
 * Reads a ticket back.
 *
 * @throws {LockConfigError} The text is none. The message never shows it.
 */
export function readTicket(ticket: unknown): DetachedLocks {
  if (typeof ticket !== 'string')
    throw refusal(`it must be a string, got ${ticket === null ? 'null' : typeof ticket}.`);
  const [name, version, text, check, ...more] = ticket.split('.', 5);
  if (name !== NAME || version === undefined)
    throw refusal(`it does not begin with "${NAME}.", as what detach() gives does.`);
  if (version !== VERSION)
    throw refusal(
      `it is of another version of this package, which reads version ${VERSION} alone.`,
    );
  const isWhole = text !== undefined && more.length === 0 && check === checkOf(text);
  const detached = isWhole ? readContent(text) : undefined;
  if (detached === undefined) throw refusal('it was cut or changed on its way.');
  return detached;
}

function readContent(text: string): DetachedLocks | undefined {
  try {
    const content: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (!Array.isArray(content)) return undefined;
    const [first, ...others] = content.flatMap((each) => readOne(each) ?? []);
    const keys = checkKeys(content.map((each: unknown[]) => each[0] as string));
    if (first === undefined || content.length !== others.length + 1) return undefined;
    return keys.length === content.length ? [first, ...others] : undefined;
  } catch {
    return undefined;
  }
}

function readOne(content: unknown): DetachedLock | undefined {
  if (!Array.isArray(content)) return undefined;
  const [key, token, ...numbers] = content as unknown[];
  if (typeof key !== 'string' || typeof token !== 'string' || !isToken(token)) return undefined;
  if (!numbers.every(isCount)) return undefined;
  const [fence, lease, minHoldLeft] = numbers;
  if (fence === undefined || lease === undefined || minHoldLeft === undefined) return undefined;
  return { key, token, fence, lease, minHoldLeft };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function checkOf(text: string): string {
  const hash = createHash('sha256').update(`${NAME}.${VERSION}.${text}`).digest();
  return hash.subarray(0, CHECK_BYTES).toString('base64url');
}

function refusal(why: string): LockConfigError {
  return new LockConfigError([`This is no ticket of a detached lock: ${why}`]);
}
