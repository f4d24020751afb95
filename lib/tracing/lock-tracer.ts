import { type Attributes, trace } from '@opentelemetry/api';
import { capacityOf } from '../engine/api/capacity.js';
import type { AskedLock, CallObserver, LockObserver } from '../engine/api/lock-observers.js';
import { HolderSpans } from './holder-spans.js';
import { TracedCall } from './traced-call.js';

/** Of a call that nobody makes spans of. */
const UNTRACED: CallObserver = { acquired() {}, refused() {}, ended() {} };

/** Makes the spans of one service. */
export class LockTracer implements LockObserver {
  readonly #tracer = trace.getTracer('nestjs-redis-lock');
  readonly #holders = new HolderSpans();

  /** @param service Name of the service. */
  constructor(private readonly service: string) {}

  asked(asked: AskedLock): CallObserver {
    const { key, keys = [key], label, template } = asked;
    const attributes: Attributes = { 'lock.key': key, 'lock.service': this.service };
    if (label !== '') attributes['lock.label'] = label;
    if (template !== '') attributes['lock.template'] = template;
    const lock = { keys, capacity: capacityOf(asked) };
    const call = new TracedCall(this.#tracer, this.#holders, lock, attributes);
    return call.isTraced ? call : UNTRACED;
  }
}
