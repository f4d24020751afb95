import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { isObservable } from 'rxjs';
import type { Lock } from '../../engine/api/lock.js';
import { type HandlerCall, handlerCall } from '../key/locked.call.js';
import { assertStillHeld, type LockedEntry, type Section } from '../locked/entry.js';
import type { LockedPlan } from '../locked/plan.js';
import { type HeldResult, isStreaming, type Released } from '../result/held-result.js';
import type { LockService } from '../service/lock.service.js';
import { grpcCallOf, isStreamedTo } from '../transport/grpc-call.js';
import { responseEnd } from '../transport/http-response.js';
import { responseOf, transportOf } from '../transport/transport.js';
import type { ClientDeparture } from './client-departure.js';
import { departureOf } from './departure-of.js';
import { emptyAnswer } from './empty-answer.js';
import type { HandlerFacts } from './handler-facts.js';
import { laterWork } from './later-work.js';
import { OpenWork } from './open-work.js';
import { holdEmission, holdRouted, isSubscription } from './routed-result.js';

/** What the calls of one application have in common. */
export interface HandlerHome {
  readonly service: LockService;
  readonly adapterHost: HttpAdapterHost;
}

/**
 * One call that Nest routes to a `@Locked` handler, as interceptor and method share it. The
 * interceptor takes the lock; with a key that only the method can make the method does.
 */
export class RoutedCall {
  readonly entry: LockedEntry;
  readonly call: HandlerCall;
  readonly transport: string;
  readonly response: ServerResponse | undefined;
  readonly departure: ClientDeparture;
  /** The lock, once the interceptor has it. */
  lock: Lock | undefined;
  /** When that lock is released. */
  released: Promise<unknown> | undefined;
  /** Whether values are handed on as they come; else nobody gets one before the release. */
  streams: boolean;
  /** What goes on after the chain has ended. */
  readonly tail = new OpenWork();
  #section: Section | undefined;
  /** The last body that was asked for. */
  #body: Promise<unknown> | undefined;
  #holdsResult = false;
  #answered: Promise<void> | undefined;
  #over = false;
  #close = (): void => {};
  #closed: Promise<void> | undefined;

  constructor(
    readonly plan: LockedPlan,
    readonly facts: HandlerFacts,
    readonly context: ExecutionContext,
    private readonly home: HandlerHome,
  ) {
    this.response = responseOf(context);
    this.transport = transportOf(context, this.response);
    const call = this.transport === 'rpc' ? grpcCallOf(context) : undefined;
    this.departure = departureOf(this, call);
    this.call = handlerCall(context, plan.method, this.transport);
    this.entry = { plan, service: home.service, call: this.call, args: [], signal: this.departure };
    this.streams =
      call === undefined ? this.transport === 'http' && facts.sendsEvents : isStreamedTo(call);
  }

  /** When the response has ended; where there is none, at once. */
  get answered(): Promise<void> {
    const { response } = this;
    return (this.#answered ??= response ? responseEnd(response) : Promise.resolve());
  }

  /** Whether the chain has ended: calls of the method from now on are not part of it. */
  get over(): boolean {
    return this.#over;
  }

  /** The interceptor has the lock. */
  hold(lock: Lock, section: Section): void {
    this.lock = lock;
    this.#section = section;
  }

  /** Runs a task in the context where the lock is held, from wherever it is called. */
  inside<T>(task: () => T): T {
    return this.#section === undefined ? task() : this.#section.run(task);
  }

  /** Runs a task around that context: it must not re-enter the lock beside a body that goes on. */
  outside<T>(task: () => T): T {
    return this.#section === undefined ? task() : this.#section.outside(task);
  }

  /** Whether its result is iterated by a subscription of GraphQL. */
  get isSubscription(): boolean {
    return this.transport === 'graphql' && isSubscription(this.context);
  }

  /** What a handler returns that did not run. */
  answerEmpty(): unknown {
    return emptyAnswer(this, this.home.adapterHost);
  }

  /**
   * Runs the body of the method under the lock that the interceptor took. An interceptor inside that
   * tries again while a body goes on (a time limit with a retry) gets the next one after it, unless the
   * lock or the caller has gone by then. Of a body that returned an Observable only the call is waited for.
   */
  run(body: (lock: Lock) => unknown, lock: Lock): Promise<unknown> {
    return (this.#body = this.#runAfter(this.#body, body, lock));
  }

  async #runAfter(
    before: Promise<unknown> | undefined,
    body: (lock: Lock) => unknown,
    lock: Lock,
  ): Promise<unknown> {
    this.tail.begin();
    try {
      if (before !== undefined) {
        await before.catch(() => undefined);
        if (this.#over) throw new Error('Nobody waits for this call any more.');
      }
      assertStillHeld(this.entry, lock);
      return this.#keepResult(await body(lock), lock);
    } finally {
      this.tail.end();
    }
  }

  /** The same for the body of a generator method, which gives its generator at once. */
  iterate(body: (lock: Lock) => unknown, lock: Lock): unknown {
    assertStillHeld(this.entry, lock);
    return this.#keepResult(body(lock), lock);
  }

  #keepResult(value: unknown, lock: Lock): unknown {
    if (isObservable(value)) this.streams = true;
    const held = this.#keep(value, lock);
    if (held === undefined) return value;
    this.#holdsResult = true;
    return held.value;
  }

  /**
   * Keeps that lock until a value has ended that the chain hands on: an Observable emitted it, or an
   * interceptor inside made it. What the body returned is held already, and it may read from that.
   */
  keepEmitted(value: unknown, lock: Lock): unknown {
    if (this.#holdsResult || !isStreaming(value)) return value;
    const held = this.inside(() => this.#keep(value, lock));
    return held === undefined ? value : held.value;
  }

  #keep(value: unknown, lock: Lock): HeldResult | undefined {
    if (this.#section?.over) return undefined;
    const held = holdRouted(this, value, lock, () => this.released ?? Promise.resolve());
    if (held === undefined) return undefined;
    this.tail.begin();
    void held.ended.then(this.tail.end);
    return held;
  }

  /** Takes hold of what the method returned, which took the lock by itself. */
  holdOwn(value: unknown, lock: Lock, released: Released): HeldResult | undefined {
    const hold = (each: unknown): HeldResult | undefined => {
      const fault = laterWork(this, each);
      if (fault !== undefined) throw fault;
      return holdRouted(this, each, lock, released);
    };
    if (!isObservable(value)) return hold(value);
    const lastWithEnd = this.transport === 'rpc';
    return holdEmission(value, { lock, released, hold, lastWithEnd, dropped: this.#end });
  }

  /** The chain has ended. What its last body returned is its caller's alone, who may drop it. */
  close(): void {
    this.#over = true;
    this.#body = undefined;
    this.#close();
  }

  /** Resolves when the chain has ended. */
  get #end(): Promise<void> {
    if (this.#over) return Promise.resolve();
    return (this.#closed ??= new Promise((resolve) => (this.#close = resolve)));
  }
}
