import type { Clock } from '../../engine/time/clock.js';
import type { LoginSource } from './login.js';

/** What every connection of ours goes by. */
export interface ConnectionSettings {
  /** Longest wait for one answer, in milliseconds. */
  readonly commandTimeout: number;
  readonly clock: Clock;
  /** Unset: logs in as the client's options say. */
  readonly login?: LoginSource | undefined;
}
