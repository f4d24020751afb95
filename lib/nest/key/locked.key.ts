import { isPromise } from 'node:util/types';
import { isLockError, LockKeyError } from '../../engine/api/errors.js';
import { checkKeys, type LockKey } from '../../engine/api/lock-key.js';
import { HandlerCall } from './locked.call.js';
import type { LockedCall, LockKeyFunction } from './locked.options.js';
import { LockKeyTemplate } from './template.js';

const REQUEST_PARTS = ['params', 'query', 'body', 'headers', 'user', 'ip', 'data', 'gql'];

/** The key of a `@Locked` method: a template, a list of them, or a function. */
export class LockedKey {
  /** What events, metrics and clients are told: the templates; of a function its method's name. */
  readonly template: string;
  /** Whether the key is made of arguments, which are known only where the method is called. */
  readonly positional: boolean;
  /** None when a function makes the key. */
  readonly templates: readonly LockKeyTemplate[];
  readonly #make: LockKeyFunction | undefined;

  /** @param problems Receives what is wrong with the key. */
  constructor(key: unknown, owner: string, problems: string[]) {
    this.#make = typeof key === 'function' ? (key as LockKeyFunction) : undefined;
    const texts = this.#make ? [] : asTexts(key, problems);
    this.templates = texts.map((text) => new LockKeyTemplate(text, owner, problems));
    this.positional = this.templates.some(({ positional }) => positional);
    this.template = this.#make ? owner : texts.join(', ');
    if (problems.length === 0) checkShortest(this.templates, problems);
  }

  /**
   * The key of a call.
   *
   * @param args The arguments that the method is called with.
   * @throws {LockKeyError} A part is missing, or the function returned a promise or no key.
   */
  resolve(call: LockedCall, args: readonly unknown[]): LockKey {
    if (this.#make === undefined) return this.#fill(call, args);
    const key: unknown = this.#make(
      call instanceof HandlerCall ? call.opened(REQUEST_PARTS) : call,
    );
    // A function that hides the failure of what it asked for has made a key of something else.
    if (call instanceof HandlerCall && call.lacksTarget)
      throw new Error('The key needs the instance.');
    if (!isPromise(key)) return this.#checkMade(key as LockKey);
    // Whether it fails is of no interest any more.
    key.catch(() => {});
    throw new LockKeyError(
      [],
      `@Locked on ${this.template}: the key function must be synchronous.`,
    );
  }

  /**
   * Keeps what it may take from a routed call as the client sent it, when only the method can make the
   * key: pipes and interceptors come before.
   */
  keepParts(call: HandlerCall): void {
    if (this.#make !== undefined) call.keepRoots(REQUEST_PARTS);
    for (const { contextParts } of this.templates) call.keep(contextParts);
  }

  #checkMade(key: LockKey): LockKey {
    try {
      checkKeys(key);
      return key;
    } catch (error) {
      if (!isLockError(error)) throw error;
      const message = `@Locked on ${this.template}: the key function gave no lock key. ${error.message}`;
      throw new LockKeyError(error.keys, message);
    }
  }

  #fill(call: LockedCall, args: readonly unknown[]): LockKey {
    const [only, ...others] = this.templates;
    if (only !== undefined && others.length === 0) return only.resolve(call, args);
    return this.templates.map((each) => each.resolve(call, args));
  }
}

function asTexts(key: unknown, problems: string[]): readonly string[] {
  const texts: readonly unknown[] = Array.isArray(key) ? key : [key];
  if (texts.length > 0 && texts.every((text) => typeof text === 'string')) return texts;
  problems.push('the key must be a template, a list of templates, or a function.');
  return [];
}

/** What the text of a template makes wrong for every call is told before the first one. */
function checkShortest(templates: readonly LockKeyTemplate[], problems: string[]): void {
  if (templates.length === 0) return;
  try {
    checkKeys(templates.map(({ shortest }) => shortest));
  } catch (error) {
    if (!isLockError(error)) throw error;
    problems.push(error.message);
  }
}
