import type { LockError } from '../../engine/api/errors.js';

/** What may be told of a lock error to somebody who is not its caller. */
export interface LockErrorFacts {
  /** The template or static key of the `@Locked` method; no value of a request. */
  readonly key: string;
  /** What the request lacks or has wrong, as a sentence for its sender: the fault is not ours. */
  readonly requestFault: string;
  /** Status of a busy lock in the module that the call belongs to; `false`: not to be answered. */
  readonly busyStatus: number | false;
  /** Whether it is in the log: it may pass several that write it there. */
  readonly logged: boolean;
}

/** The same in every copy of the package: one that answers reads what another has noted. */
const FACTS = Symbol.for('nestjs-redis-lock.facts');

/** Notes facts on an error; what was noted before, nearer to its cause, stands. */
export function noteFacts(error: LockError, facts: Partial<LockErrorFacts>): void {
  // Of a frozen one nothing can be noted: it goes on as it is.
  Reflect.defineProperty(error, FACTS, {
    value: { ...facts, ...factsOf(error) },
    configurable: true,
  });
}

/** What was noted on an error; without a note the error came from a call of `LockService`. */
export function factsOf(error: LockError): Partial<LockErrorFacts> {
  return (error as { [FACTS]?: Partial<LockErrorFacts> })[FACTS] ?? {};
}
