import { finished } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { StreamableFile } from '@nestjs/common';
import { isObservable } from 'rxjs';
import type { Lock } from '../engine/lock.js';
import { HeldIterator } from './held-iterator.js';
import { HeldObservable } from './held-observable.js';

/** A result that goes on when its method has returned; its lock is held until it has ended. */
export interface HeldResult {
  /** What the caller gets. */
  readonly value: unknown;
  readonly ended: Promise<unknown>;
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
  if (isObservable(value)) {
    const observable = new HeldObservable(value, lock, released);
    return { value: observable, ended: observable.ended };
  }
  const stream = value instanceof StreamableFile ? value.getStream() : value;
  if (isNodeStream(stream)) {
    return { value, ended: new Promise((end) => finished(stream, { writable: false }, end)) };
  }
  return isAsyncIterable(value) ? holdIterable(value, released) : undefined;
}

/** The same value for a consumer in another context: an iterable's steps stay in this one. */
export function bindResult(value: unknown): unknown {
  if (!isAsyncIterable(value) || isNodeStream(value)) return value;
  return iterableLike(value, new HeldIterator(value, () => Promise.resolve()));
}

/** Whether a value goes on when its method has returned. */
export function isStreaming(value: unknown): boolean {
  return (
    value instanceof StreamableFile ||
    isAsyncIterable(value) ||
    value instanceof globalThis.Response
  );
}

function holdIterable(source: AsyncIterable<unknown>, released: Released): HeldResult {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  const held = new HeldIterator(source, () => {
    end();
    return released();
  });
  return { value: iterableLike(source, held), ended };
}

function iterableLike(source: AsyncIterable<unknown>, held: HeldIterator): unknown {
  return source instanceof ReadableStream ? ReadableStream.from(held) : held;
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/** By shape: there are copies of `readable-stream` about. */
function isNodeStream(value: unknown): value is NodeJS.ReadableStream {
  if (typeof value !== 'object' || value === null) return false;
  const { pipe, on } = value as Partial<NodeJS.ReadableStream>;
  return typeof pipe === 'function' && typeof on === 'function';
}
