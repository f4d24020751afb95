import { LockKeyError } from '../../engine/api/errors.js';
import { isTooLong } from '../../engine/api/lock-key.js';
import { noteFacts } from '../errors/facts.js';
import { HandlerCall } from './locked.call.js';
import type { LockedCall } from './locked.options.js';
import { parseTemplate, type TemplatePart } from './parser.js';
import { encodePart, faultOf, followPath } from './part-value.js';
import { lengthFaultOf, requestFaultOf } from './request-fault.js';

/** A key template that was parsed once, e.g. `order:{params.id}`. */
export class LockKeyTemplate {
  readonly #pieces: readonly (string | TemplatePart)[];
  /** Whether the template names arguments, which are known only where the method is called. */
  readonly positional: boolean;
  /** The parts that it takes from a routed call, such as `params.id`. */
  readonly contextParts: readonly TemplatePart[];

  /** @param problems Receives what is wrong with the template. */
  constructor(
    readonly text: string,
    private readonly owner: string,
    problems: string[],
  ) {
    this.#pieces = parseTemplate(text, problems);
    const parts = this.#pieces.filter((piece) => typeof piece === 'object');
    this.contextParts = parts.filter(({ root }) => !isPosition(root));
    this.positional = this.contextParts.length < parts.length;
  }

  /** A key that is as short as any that it makes: what is wrong with it is wrong with all. */
  get shortest(): string {
    return this.#pieces.map((piece) => (typeof piece === 'string' ? piece : '0')).join('');
  }

  /**
   * Fills in the parts.
   *
   * @param args The arguments that the method is called with.
   * @throws {LockKeyError} A part is missing, null, empty, NaN, an object or not well-formed text, or
   * the key is too long.
   */
  resolve(call: LockedCall, args: readonly unknown[]): string {
    let key = '';
    for (const piece of this.#pieces) key += this.#fill(piece, call, args);
    if (isTooLong(key)) this.#refuseLongest(call, args);
    return key;
  }

  #fill(piece: string | TemplatePart, call: LockedCall, args: readonly unknown[]): string {
    return typeof piece === 'string' ? piece : encodePart(this.#valueOf(piece, call, args));
  }

  /** Names the part that makes a key too long, unless it is the template itself. */
  #refuseLongest(call: LockedCall, args: readonly unknown[]): void {
    const filled = this.#pieces.map((piece) => this.#fill(piece, call, args));
    const length = (i: number): number => Buffer.byteLength(filled[i] as string);
    const parts = this.#pieces.flatMap((piece, i) =>
      typeof piece === 'object' ? [{ piece, i }] : [],
    );
    const [longest] = parts.sort((one, other) => length(other.i) - length(one.i));
    if (longest === undefined) return;
    const { piece, i } = longest;
    const error = this.#unfilled(
      piece,
      `${piece.text} is too long: ${length(i)} bytes; a key may have 512.`,
    );
    // Beside a template that is most of the key itself a value of any client is too long.
    const isMost = length(i) > Buffer.byteLength(this.shortest);
    const requestFault = isMost ? lengthFaultOf(piece, call) : undefined;
    if (requestFault !== undefined) noteFacts(error, { requestFault });
    throw error;
  }

  #valueOf(part: TemplatePart, call: LockedCall, args: readonly unknown[]): string {
    const value = this.#read(part, call, args);
    const fault = faultOf(value);
    if (fault === undefined) return String(value);
    const error = this.#unfilled(part, `${part.text} is ${fault}.`);
    const requestFault = requestFaultOf(part, value, call, args);
    if (requestFault !== undefined) noteFacts(error, { requestFault });
    throw error;
  }

  #read(part: TemplatePart, call: LockedCall, args: readonly unknown[]): unknown {
    const { root, path } = part;
    if (isPosition(root)) return followPath(args[Number(root)], path);
    if (call instanceof HandlerCall && call.keeps(part)) return call.kept(part);
    if (root in call) return followPath(call[root as keyof LockedCall], path);
    throw this.#unfilled(part, `this call has no ${root}: nothing of that kind routed it here.`);
  }

  #unfilled(part: TemplatePart, why: string): LockKeyError {
    const message = `@Locked on ${this.owner}: key template ${JSON.stringify(this.text)}: ${why}`;
    return new LockKeyError([], message, this.text, part.text);
  }
}

function isPosition(root: string): boolean {
  return /^\d/.test(root);
}
