// @ts-check
import { TestEnvironment } from 'jest-environment-node';

// ioredis keeps a timer for 2 s when a client is disconnected after its socket has closed, and a
// busy machine may close it late.
const SETTLE_WITHIN_MS = 10_000;
// Jest's own timers of the start of a run are over by then.
const JEST_STARTED_AFTER_MS = 250;
const WATCHED = new Set(['TCPSocketWrap', 'TCPServerWrap', 'ProcessWrap', 'Timeout']);

/**
 * Fails a test file that leaves something open (a socket, a server, a child process, a timer),
 * or whose promises reject with nobody to handle it when its tests are over.
 */
export default class LeakCheckEnvironment extends TestEnvironment {
  /** @type {Map<string, number>} */
  #openBefore = new Map();
  /** @type {unknown[]} */
  #rejections = [];
  #failed = false;
  #onRejection = (/** @type {unknown} */ reason) => void this.#rejections.push(reason);

  /** @override */
  async setup() {
    await super.setup();
    await jestStarted();
    this.#openBefore = smaller(countOpen(), openAfterLast);
    process.on('unhandledRejection', this.#onRejection);
  }

  /**
   * Jest shows what a teardown throws instead of the tests that failed.
   *
   * @param {{ readonly name: string }} event
   */
  handleTestEvent({ name }) {
    if (name === 'test_fn_failure' || name === 'hook_failure') this.#failed = true;
  }

  /** @override */
  async teardown() {
    const leaks = await this.#leaks();
    openAfterLast = countOpen();
    process.off('unhandledRejection', this.#onRejection);
    const [rejection] = this.#rejections;
    await super.teardown();
    const faults = [];
    if (rejection !== undefined)
      faults.push(new Error('A promise rejected and nobody handled it.', { cause: rejection }));
    if (leaks.length > 0)
      faults.push(
        new Error(`Left open by this file: ${leaks.join(', ')}. Close what the tests open.`),
      );
    for (const fault of faults) {
      if (!this.#failed) throw fault;
      console.error(fault);
    }
  }

  async #leaks() {
    const deadline = performance.now() + SETTLE_WITHIN_MS;
    // Rejections of the last tick are reported in the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      const leaks = this.#openSince();
      if (leaks.length === 0 || performance.now() > deadline) return leaks;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #openSince() {
    return [...countOpen()]
      .map(([type, count]) => ({ type, more: count - (this.#openBefore.get(type) ?? 0) }))
      .filter(({ more }) => more > 0)
      .map(({ type, more }) => `${more} × ${type}`);
  }
}

/** @type {Promise<void> | undefined} */
let started;

function jestStarted() {
  started ??= new Promise((resolve) => setTimeout(resolve, JEST_STARTED_AFTER_MS));
  return started;
}

/**
 * What the file before left open: between two files jest has short timers of its own.
 *
 * @type {Map<string, number> | undefined}
 */
let openAfterLast;

/**
 * @param {Map<string, number>} counts
 * @param {Map<string, number> | undefined} others
 */
function smaller(counts, others) {
  if (others === undefined) return counts;
  return new Map([...counts].map(([type, n]) => [type, Math.min(n, others.get(type) ?? 0)]));
}

function countOpen() {
  const counts = new Map();
  for (const type of process.getActiveResourcesInfo()) {
    if (WATCHED.has(type)) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  return counts;
}
