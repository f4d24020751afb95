/** How a promise settled, and after how many milliseconds. */
export interface Timed<T> {
  readonly ms: number;
  readonly value?: T;
  readonly error?: unknown;
}

/**
 * Waits until `call` settles either way; never rejects. A promise is measured from here on, though
 * it began before: where a time must not be too short, hand over a function that begins.
 */
export async function timed<T>(call: Promise<T> | (() => Promise<T>)): Promise<Timed<T>> {
  const startedAt = performance.now();
  try {
    const value = await (typeof call === 'function' ? call() : call);
    return { value, ms: performance.now() - startedAt };
  } catch (error) {
    return { error, ms: performance.now() - startedAt };
  }
}
