import { textOf } from '../../engine/api/error-cause.js';
import type { Clock } from '../../engine/time/clock.js';

/** How a connection logs in. */
export interface Login {
  readonly username?: string | null | undefined;
  readonly password?: string | null | undefined;
}

/** Asked before every connection, so that a password may change meanwhile. */
export type LoginSource = () => Login | Promise<Login>;

/** Takes from the option `credentials` nothing but a password, perhaps with a user's name. */
export function checkedLogin(credentials: LoginSource): LoginSource {
  return async () => {
    const given: unknown = await credentials();
    const { username, password } = Object(given) as Readonly<Record<string, unknown>>;
    const named = username === undefined || username === null || typeof username === 'string';
    if (named && typeof password === 'string' && password !== '') return { username, password };
    throw new Error('it must give { username?, password }, both text');
  };
}

/** Asks one source, one question at a time: one that is slow is not asked again meanwhile. */
export class LoginReader {
  #asked: Promise<Login> | undefined;

  /** @param patience How long one connection waits for the answer, in milliseconds. */
  constructor(
    private readonly source: LoginSource,
    private readonly patience: number,
    private readonly clock: Clock,
  ) {}

  /** Rejects when there is no answer in time; a late one serves the next connection. */
  read(): Promise<Login> {
    const asked = (this.#asked ??= this.#ask());
    return new Promise<Login>((resolve, reject) => {
      const late = `credentials() has not answered within ${this.patience} ms.`;
      const timer = this.clock.after(this.patience, () => reject(new Error(late)), 'observer');
      const end = (): void => {
        this.clock.cancel(timer);
        if (this.#asked === asked) this.#asked = undefined;
      };
      asked.finally(end).then(resolve, reject);
    });
  }

  async #ask(): Promise<Login> {
    try {
      return await this.source();
    } catch (error) {
      const { message, code } = Object(error) as { message?: unknown; code?: unknown };
      const why = typeof message === 'string' ? message : textOf(error);
      throw Object.assign(
        new Error(`credentials() failed: ${why}`),
        typeof code === 'string' ? { code } : {},
      );
    }
  }
}
