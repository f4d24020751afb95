import { Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { isLockError, type LockError, LockUnavailableError } from '../../engine/api/errors.js';
import type { LockEvent, LockEvents } from '../../engine/api/lock-events.js';
import { describeHolder, type LockHolder } from '../../engine/api/lock-holder.js';
import type { LockManager } from '../../engine/lock-manager.js';
import { FailureLog } from './failure-log.js';

/** Any key: whether somebody holds it is not asked for the answer. */
const SOME_KEY = 'connection';
const UNUSABLE = "Redis can't be used for locks";
const EXTENT = {
  'not-yet': 'not yet, or not fully.',
  partly: 'at least not fully.',
  'no-longer': 'there is no connection to Redis.',
};

type LoggedManager = Pick<LockManager, 'events' | 'inspect' | 'onTrouble' | 'order'>;

/** What the log needs of a `LateEngine`. */
interface LoggedEngine {
  readonly manager: LoggedManager;
  whenOpen(listener: (manager: LoggedManager) => void): void;
}

/**
 * Writes what happens to locks to Nest's log: what is routine at `verbose`, a busy lock at `debug`,
 * what is repeated by itself at `warn`, a lost lock at `error`. Never a token.
 */
export class LockLogger implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('RedisLock');
  private readonly failures: FailureLog;
  private closing = false;

  /** @param engine `undefined` when a test put a stand-in in the place of the service. */
  constructor(
    private readonly engine: LoggedEngine | undefined,
    now = () => performance.now(),
  ) {
    this.failures = new FailureLog(this.logger, now);
    engine?.whenOpen((manager) => {
      this.#follow(manager.events);
      manager.order?.listen((warning) => this.logger.warn(warning));
      manager.onTrouble(({ nodes, cause, reach }) => {
        const error = new LockUnavailableError([], '', cause, nodes);
        this.failures.write('warn', `${UNUSABLE}: ${EXTENT[reach]}`, error);
      });
    });
  }

  /** Nobody may ask for a lock for hours: tells at once when Redis can't be used. */
  onApplicationBootstrap(): void {
    this.engine?.manager.inspect(SOME_KEY).catch((error: unknown) => {
      if (this.closing || !isLockError(error)) return;
      const { reason = error.message } = error as { reason?: string };
      this.failures.write('warn', `${UNUSABLE}: ${reason}`, error);
    });
  }

  onModuleDestroy(): void {
    this.closing = true;
  }

  #follow(events: LockEvents): void {
    const routine = (event: LockEvent, what: string) => this.#write('verbose', event, what);
    events
      .on('waiting', (event) => routine(event, 'is busy; waiting'))
      .on('acquired', (event) =>
        routine(event, `acquired after ${ms(event.waitedMs)} (${event.via})`),
      )
      .on('renewed', (event) => routine(event, 'renewed'))
      .on('released', (event) => routine(event, `released after ${ms(event.heldMs)}`))
      .on('skipped', (event) => routine(event, 'is busy; the call is skipped'))
      .on('timeout', (event) =>
        this.#write('debug', event, `is still busy after ${ms(event.waitedMs)}${heldBy(event)}`),
      )
      .on('unavailable', (event) => this.failures.write('warn', failure(event), event.error))
      .on('release-failed', (event) =>
        this.failures.write('warn', failure(event), event.error, 'release'),
      )
      .on('lost', (event) => this.failures.write('error', failure(event), event.error, event.key));
  }

  #write(level: 'verbose' | 'debug', { key, label }: LockEvent, what: string): void {
    this.logger[level](`Lock ${JSON.stringify(key)}${holder(label)}: ${what}`);
  }
}

/** The message of the error names the lock by itself. */
function failure({ label, error }: LockEvent & { readonly error: LockError }): string {
  return `${error.message}${holder(label)}`;
}

function holder(label: string): string {
  return label === '' ? '' : ` (${label})`;
}

function heldBy({ holder: by }: { readonly holder?: LockHolder | undefined }): string {
  return by === undefined ? '' : `, held ${describeHolder(by)}`;
}

function ms(duration: number): string {
  return `${Math.round(duration)} ms`;
}
