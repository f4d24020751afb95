import type { LockRequest } from '../api/lock-options.js';
import type { LockContext } from './lock-context.js';

/** Pairs of templates that are remembered; programs have few, and names made at run time could be many. */
const MOST_PAIRS = 1000;
/** A key of letters alone most likely stands in the source code. Any other may be filled in. */
const PLAIN_KEY = /^\p{L}+$/u;

/** One lock that was taken inside another one. */
interface Nesting {
  /** Labels of the two calls. */
  readonly outer: string;
  readonly inner: string;
}

/** A call for a lock, or what holds one. */
type Call = Pick<LockRequest, 'label' | 'template'>;

/**
 * Remembers in which order locks are taken inside each other, by their templates, and tells once of any two that
 * are seen in both orders: two such calls can wait for each other. Never knows what a template is filled in with.
 *
 * @see https://docs.kernel.org/locking/lockdep-design.html for the idea; ours knows pairs, no longer circles.
 */
export class LockOrder {
  /** By outer name, then by inner name. */
  readonly #seen = new Map<string, Map<string, Nesting>>();
  #pairs = 0;
  #listener = (warning: string): void =>
    process.emitWarning(warning, { type: 'LockWarning', code: 'LOCK_ORDER' });

  /** Sets the one listener. @default a warning of the process */
  listen(listener: (warning: string) => void): void {
    this.#listener = listener;
  }

  /** A call asks for these keys in the running context, which may hold some. One that does not wait can't be kept waiting. */
  asked(all: readonly string[], call: LockRequest, context: LockContext): void {
    if (call.wait === 0 || context.find() === undefined) return;
    const keys = context.missing(all);
    const around = [...context.held()].map((lock) => {
      return { names: namesOf(lock.keys, lock.request), call: lock.request };
    });
    const names = namesOf(keys, call);
    // Of a call that re-enters for some of its templates those are no order.
    const isHeld = (name: string): boolean =>
      names.length > keys.length && around.some((lock) => lock.names.includes(name));
    const inner = names.filter((name) => !isHeld(name));
    for (const lock of around)
      for (const outer of lock.names)
        for (const name of inner) if (outer !== name) this.#nested(outer, name, lock.call, call);
  }

  #nested(outer: string, inner: string, around: Call, inside: Call): void {
    const inners = this.#seen.get(outer) ?? new Map<string, Nesting>();
    if (inners.has(inner) || this.#pairs >= MOST_PAIRS) return;
    const nesting = { outer: around.label, inner: inside.label };
    this.#pairs += 1;
    this.#seen.set(outer, inners.set(inner, nesting));
    const other = this.#seen.get(inner)?.get(outer);
    if (other !== undefined) this.#tell(outer, inner, nesting, other);
  }

  #tell(outer: string, inner: string, one: Nesting, other: Nesting): void {
    this.#listener(
      `Locks are taken inside each other in both orders: ${named(inner, one.inner)} inside ${named(outer, one.outer)}, ` +
        `and ${named(outer, other.inner)} inside ${named(inner, other.outer)}. Two such calls can wait for each other. ` +
        'Take them in one order everywhere.',
    );
  }
}

/** The templates of a call; of one without, the keys that can't be filled in. */
function namesOf(keys: readonly string[], { template }: Call): readonly string[] {
  return template === '' ? keys.filter((key) => PLAIN_KEY.test(key)) : template.split(', ');
}

function named(name: string, label: string): string {
  return JSON.stringify(name) + (label === '' ? '' : ` (${label})`);
}
