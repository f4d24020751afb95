import type { LockError } from '../api/errors.js';
import type { LockKeys } from '../api/lock-key.js';
import type { LockRequest } from '../api/lock-options.js';
import { unanswered } from '../queue/unanswered.js';
import { WaiterList } from '../queue/waiter-list.js';
import { Waiter, type WaiterOwner } from '../queue/waiter.js';
import type { Gate, GateContext } from './gate-context.js';

/** A call that waits in no line. */
export interface LinelessCall {
  readonly keys: LockKeys;
  readonly request: LockRequest;
  /** Whether it is made inside a held section. */
  readonly isInside: boolean;
  readonly waitedMs: number;
}

/** Waits for an answer in no line: the call's time, its caller or the shutdown end that all the same. */
export class AnswerWait<T> implements Gate, WaiterOwner<T> {
  readonly key: string;
  readonly capacity: number;
  readonly #waiter: Waiter<T>;
  /** Of this one waiter. */
  readonly #line: WaiterList<T>;

  /** @param bound Longest wait, in milliseconds. */
  constructor(
    private readonly call: LinelessCall,
    bound: number,
    private readonly context: GateContext,
  ) {
    this.key = call.keys[0];
    this.capacity = call.request.capacity;
    this.#waiter = new Waiter(call.request, context.clock, bound, this, call.isInside);
    this.#line = new WaiterList(context.clock);
    this.#line.add(this.#waiter);
  }

  /** The answer, if it comes in time; an error of its own is the call's. */
  for(answer: Promise<T>): Promise<T> {
    const { signal } = this.call.request;
    this.context.began(this);
    if (signal?.aborted === true) this.#fail(signal.reason);
    answer.then(
      (value) => {
        this.#end();
        this.#waiter.resolve(value);
      },
      (reason: unknown) => this.#fail(reason),
    );
    return this.#waiter.promise as Promise<T>;
  }

  clear(error: () => LockError, isMeant: (isInside: boolean) => boolean): void {
    if (isMeant(this.call.isInside)) this.#fail(error());
  }

  /** Nobody has anything by it. */
  evict(): void {}

  /** The command's own timeout ends it. */
  unreachable(): void {}

  reconnected(): void {}

  /** The call itself tells. */
  tells(): boolean {
    return false;
  }

  left(_waiter: unknown, aborted?: { readonly reason: unknown }): void {
    const { keys, waitedMs } = this.call;
    const late = (): LockError => unanswered(keys, waitedMs, this.context.outage(keys));
    this.#fail(aborted ? aborted.reason : late());
  }

  #fail(reason: unknown): void {
    this.#end();
    this.#waiter.reject(reason);
  }

  #end(): void {
    this.#line.delete(this.#waiter);
    this.context.emptied(this);
  }
}
