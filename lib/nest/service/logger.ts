import { Logger } from '@nestjs/common';
import type { LockError } from '../../engine/api/errors.js';
import type { LockEvent, LockEvents } from '../../engine/api/lock-events.js';

/**
 * Writes what happens to locks to Nest's log: what is routine (a busy lock, too) at `debug`, what
 * is repeated by itself at `warn`, a lost lock at `error`. Never a token.
 */
export class LockLogger {
  private readonly logger = new Logger('RedisLock');

  /** @param events `undefined` when a test put a stand-in in the place of the service. */
  constructor(events: LockEvents | undefined) {
    const debug = (event: LockEvent, what: string) => this.logger.debug(sentence(event, what));
    events
      ?.on('waiting', (event) => debug(event, 'is busy; waiting'))
      .on('acquired', (event) =>
        debug(event, `acquired after ${ms(event.waitedMs)} (${event.via})`),
      )
      .on('renewed', (event) => debug(event, 'renewed'))
      .on('released', (event) => debug(event, `released after ${ms(event.heldMs)}`))
      .on('timeout', (event) => debug(event, `is still busy after ${ms(event.waitedMs)}`))
      .on('skipped', (event) => debug(event, 'is busy; the call is skipped'))
      .on('unavailable', (event) => this.logger.warn(failure(event)))
      .on('release-failed', (event) => this.logger.warn(failure(event)))
      .on('lost', (event) => this.logger.error(failure(event)));
  }
}

function sentence({ key, label }: LockEvent, what: string): string {
  return `Lock ${JSON.stringify(key)}${holder(label)}: ${what}`;
}

/** The message of the error names the lock by itself. */
function failure({ label, error }: LockEvent & { readonly error: LockError }): string {
  return `${error.message}${holder(label)}`;
}

function holder(label: string): string {
  return label === '' ? '' : ` (${label})`;
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}
