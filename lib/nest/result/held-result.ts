import { finished } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { isObservable, type Observable } from 'rxjs';
import type { Lock } from '../../engine/api/lock.js';
import { HeldIterator } from './held-iterator.js';
import { HeldObservable } from './held-observable.js';

/** A result that goes on when its method has returned; its lock is held until it has ended. */
export interface HeldResult {
  /** What the caller gets. */
  readonly value: unknown;
  readonly ended: Promise<void>;
}

/** Resolves when the lock is released; rejects when it was lost. */
export type Released = () => Promise<unknown>;

/**
 * Takes hold of a result that goes on: an Observable, an async iterable, a stream. An Observable or
 * iterable tells its consumer that it is over when the lock is released.
 *
 * @returns `undefined` for any other value.
 */
export function holdResult(value: unknown, lock: Lock, released: Released): HeldResult | undefined {
  if (isObservable(value)) return holdObservable(value, lock, released);
  const stream = value instanceof StreamableFile ? value.getStream() : value;
  if (isNodeStream(stream)) {
    // Whoever has taken the stream out of its StreamableFile reads on without that.
    const { ended } = holdUntil((end) => {
      finished(stream, { writable: false }, end);
      return stream;
    });
    return { value, ended };
  }
  if (!isAsyncIterable(value)) return undefined;
  return holdUntil((end) => {
    const held = new HeldIterator(iteratorOf(value), lock, leaving(end, released));
    return iterableLike(value, held);
  });
}

/**
 * {@link holdResult} of an Observable.
 *
 * @param lastWithEnd Its last value goes with its end, see {@link HeldObservable}.
 */
export function holdObservable(
  source: Observable<unknown>,
  lock: Lock,
  released: Released,
  lastWithEnd = false,
): HeldResult {
  return holdUntil((end) => new HeldObservable(source, lock, leaving(end, released), lastWithEnd));
}

function leaving(end: () => void, released: Released): () => Promise<unknown> {
  return () => {
    end();
    return released();
  };
}

/** The same value for a consumer in another context: an iterable's steps stay in this one. */
export function bindResult(value: unknown, lock: Lock): unknown {
  if (!isAsyncIterable(value) || isNodeStream(value)) return value;
  return iterableLike(value, new HeldIterator(iteratorOf(value), lock, () => Promise.resolve()));
}

/** Whether a value goes on when it was handed on: as Nest's platforms tell it, all of them together. */
export function isStreaming(value: unknown): boolean {
  return (
    value instanceof StreamableFile ||
    isAsyncIterable(value) ||
    isNodeStream(value) ||
    isWebStream(value) ||
    // As Nest tells it: packages have classes of their own for it.
    Object.prototype.toString.call(value) === '[object Response]'
  );
}

/** Ends what nobody can end any more: Nest drops the result of a handler whose client has left. */
const abandoned = new FinalizationRegistry<() => void>((end) => end());

/** @param make Makes what calls `end` when it is over, and lives as long as somebody can bring it there. */
function holdUntil(make: (end: () => void) => object): HeldResult {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const value = make(end);
  abandoned.register(value, end);
  return { value, ended };
}

function iterableLike(source: AsyncIterable<unknown>, held: HeldIterator): object {
  return source instanceof ReadableStream ? ReadableStream.from(held) : held;
}

/** A stream's own iterator keeps its end waiting for a read that may never settle; its reader does not. */
function iteratorOf(source: AsyncIterable<unknown>): AsyncIterator<unknown> {
  if (!(source instanceof ReadableStream)) return source[Symbol.asyncIterator]();
  const reader = source.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    async return(reason?: unknown) {
      await reader.cancel(reason);
      return { done: true, value: undefined };
    },
  };
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return typeof (value as Partial<AsyncIterable<unknown>>)[Symbol.asyncIterator] === 'function';
}

/** By shape: there are copies of `readable-stream` about. */
function isNodeStream(value: unknown): value is NodeJS.ReadableStream {
  if (typeof value !== 'object' || value === null) return false;
  const { pipe, on } = value as Partial<NodeJS.ReadableStream>;
  return typeof pipe === 'function' && typeof on === 'function';
}

/** By shape too: those of packages may lack the iterator. */
function isWebStream(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return typeof (value as Partial<ReadableStream>).getReader === 'function';
}
