import {
  type Attributes,
  context,
  INVALID_SPAN_CONTEXT,
  type Span,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import { isLockError, type LockErrorCode } from '../engine/api/errors.js';
import type { Via } from '../engine/api/lock-events.js';
import type { CallObserver, HoldEnd } from '../engine/api/lock-observers.js';
import type { HolderSpans, TracedLock } from './holder-spans.js';

/** A lock that is busy is no fault, and neither is a caller that leaves. */
const FAULTS: ReadonlySet<LockErrorCode> = new Set(['LOCK_UNAVAILABLE', 'LOCK_CONFIG']);

/** The spans of one call: children of the span in which it asked. */
export class TracedCall implements CallObserver {
  readonly #parent = context.active();
  readonly #wait: Span;
  #hold: Span | undefined;

  constructor(
    private readonly tracer: Tracer,
    private readonly holders: HolderSpans,
    private readonly lock: TracedLock,
    private readonly attributes: Attributes,
  ) {
    const links = holders.linksTo(lock);
    this.#wait = tracer.startSpan('lock.wait', { attributes, links }, this.#parent);
  }

  /** Whether anybody makes spans of it: an application without an SDK does not. */
  get isTraced(): boolean {
    return this.#wait.spanContext() !== INVALID_SPAN_CONTEXT;
  }

  acquired(_waitedMs: number, via: Via, fencingToken: number): void {
    this.#wait.setAttribute('lock.outcome', 'acquired').setAttribute('lock.via', via).end();
    const { attributes } = this;
    const hold = this.tracer.startSpan('lock.hold', { attributes }, this.#parent);
    this.#hold = hold.setAttribute('lock.fencing_token', fencingToken);
    this.holders.add(this.lock, hold.spanContext());
  }

  refused(error: unknown): void {
    const code = isLockError(error) ? error.code : undefined;
    this.#wait.setAttribute('lock.outcome', code ?? 'aborted');
    if (code !== undefined && FAULTS.has(code)) this.#wait.setStatus(failed(error as Error));
    this.#wait.end();
  }

  ended(how: HoldEnd, _heldMs: number, error?: Error): void {
    const span = this.#hold;
    if (span === undefined) return;
    this.holders.delete(this.lock, span.spanContext());
    span.setAttribute('lock.outcome', how);
    if (error !== undefined) span.setStatus(failed(error));
    span.end();
  }

  run<T>(task: () => T): T {
    const span = this.#hold;
    return span === undefined ? task() : context.with(trace.setSpan(context.active(), span), task);
  }
}

function failed({ message }: Error): { code: SpanStatusCode; message: string } {
  return { code: SpanStatusCode.ERROR, message };
}
