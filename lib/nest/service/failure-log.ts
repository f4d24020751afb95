import type { LoggerService } from '@nestjs/common';
import type { LockError } from '../../engine/api/errors.js';

/** For how long a failure that goes on is not written again. */
const QUIET_MS = 60_000;
/** Failures that are told apart; beyond them the oldest is forgotten. */
const MOST_KINDS = 100;

/** What is known of a kind of failure. */
interface Kind {
  readonly loggedAt: number;
  /** How many came since, and were not written. */
  more: number;
}

/** Writes failures with cause and node, and of a storm of the same one line a minute. */
export class FailureLog {
  readonly #kinds = new Map<string, Kind>();

  constructor(
    private readonly logger: LoggerService,
    private readonly now: () => number,
  ) {}

  /**
   * @param about What to write before the cause.
   * @param sameAs What else tells it apart from other failures for the same reason.
   */
  write(level: 'warn' | 'error', about: string, error: LockError, sameAs = ''): void {
    const why = reasonOf(error);
    const kind = [level, sameAs, why === '' ? withoutNumbers(error.message) : why].join('\n');
    const known = this.#kinds.get(kind);
    if (known !== undefined && this.now() - known.loggedAt < QUIET_MS) {
      known.more += 1;
      return;
    }
    this.#kinds.delete(kind);
    this.#kinds.set(kind, { loggedAt: this.now(), more: 0 });
    const [oldest] = this.#kinds.keys();
    if (this.#kinds.size > MOST_KINDS && oldest !== undefined) this.#kinds.delete(oldest);
    const more = known === undefined || known.more === 0 ? '' : ` (${known.more} more since)`;
    this.logger[level](`${about}${why}${more}`);
  }
}

/** Cause and node of a failure, as sentences; of a lost lock those of its last renewal. */
function reasonOf(error: LockError): string {
  const { nodes = [], cause } = error as { nodes?: readonly string[]; cause?: unknown };
  const inner = cause as Partial<LockError> | undefined;
  if (inner?.keys !== undefined) return reasonOf(inner as LockError) || ` Cause: ${inner.message}`;
  const why = inner?.message ? ` Cause: ${inner.message}${codeOf(inner)}` : '';
  return nodes.length === 0 ? why : `${why} Node: ${nodes.join(', ')}.`;
}

/** The end of the sentence: the code that a message leaves out, and a full stop unless it has one. */
function codeOf({ message = '', code }: { message?: string; code?: string }): string {
  if (code !== undefined && !message.includes(code)) return ` (${code}).`;
  return message.endsWith('.') ? '' : '.';
}

/** Keys, durations and counts differ from call to call. */
function withoutNumbers(message: string): string {
  return message.replace(/^Lock "(?:[^"\\]|\\.)*"/, '').replace(/\d+/g, '#');
}
