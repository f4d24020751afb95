import type { Link, SpanContext } from '@opentelemetry/api';

/** What a call holds, or asks for. */
export interface TracedLock {
  readonly keys: readonly string[];
  /** How many may hold each key beside each other. */
  readonly capacity: number;
}

/** The spans in which this process holds keys: a call that waits links to them. */
export class HolderSpans {
  readonly #spans = new Map<string, Map<SpanContext, TracedLock>>();

  add(lock: TracedLock, span: SpanContext): void {
    for (const key of lock.keys) {
      const spans = this.#spans.get(key) ?? new Map<SpanContext, TracedLock>();
      this.#spans.set(key, spans.set(span, lock));
    }
  }

  delete({ keys }: TracedLock, span: SpanContext): void {
    for (const key of keys) {
      const spans = this.#spans.get(key);
      spans?.delete(span);
      if (spans?.size === 0) this.#spans.delete(key);
    }
  }

  /** To those that the call has to wait for: nobody where all get along and there is room. */
  linksTo({ keys, capacity }: TracedLock): Link[] {
    const links = new Map<SpanContext, Link>();
    for (const key of keys) {
      const spans = this.#spans.get(key);
      if (spans === undefined) continue;
      const [holder] = spans.values();
      if (holder?.capacity === capacity && spans.size < capacity) continue;
      for (const context of spans.keys()) links.set(context, { context });
    }
    return [...links.values()];
  }
}
