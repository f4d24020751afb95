// The child's end of test/support/child.ts. It keeps no process alive.
import { createInterface } from 'node:readline';

/**
 * Sends a message to the test.
 *
 * @param {string} type
 * @param {Record<string, unknown>} [fields]
 */
export function tell(type, fields = {}) {
  process.stdout.write(`${JSON.stringify({ type, ...fields })}\n`);
}

/**
 * Calls `listener` with each message that the test sends.
 *
 * @param {(message: { type: string; [field: string]: unknown }) => void} listener
 */
export function listen(listener) {
  createInterface({ input: process.stdin }).on('line', (line) => listener(JSON.parse(line)));
  process.stdin.unref?.();
}
