import type { Link, SpanContext } from '@opentelemetry/api';

/** The spans in which this process holds keys: a call that waits links to them. */
export class HolderSpans {
  readonly #spans = new Map<string, Set<SpanContext>>();

  add(key: string, span: SpanContext): void {
    const spans = this.#spans.get(key) ?? new Set();
    this.#spans.set(key, spans.add(span));
  }

  delete(key: string, span: SpanContext): void {
    const spans = this.#spans.get(key);
    spans?.delete(span);
    if (spans?.size === 0) this.#spans.delete(key);
  }

  linksTo(key: string): Link[] {
    const spans = this.#spans.get(key);
    return spans === undefined ? [] : [...spans].map((context) => ({ context }));
  }
}
