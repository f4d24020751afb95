/** How a promise settled, and after how many milliseconds. */
export interface Timed<T> {
  readonly ms: number;
  readonly value?: T;
  readonly error?: unknown;
}

/** Waits until `promise` settles either way; never rejects. */
export async function timed<T>(promise: Promise<T>): Promise<Timed<T>> {
  const startedAt = performance.now();
  try {
    const value = await promise;
    return { value, ms: performance.now() - startedAt };
  } catch (error) {
    return { error, ms: performance.now() - startedAt };
  }
}
