import { Keyspace } from './keyspace.js';
import { REFERENCE_SCRIPTS } from './reference-scripts.js';
import { EPOCH } from './sim-machine.js';
import type { World } from './world.js';

/** One run of a script, as it was sent. */
export interface SimCommand {
  readonly name: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** A Redis server that does what the reference says. */
export class SimNode {
  runId = 1;
  bornAt = -3_600_000;
  /** For the oracle: until when something was wrong, and when its clock was set. */
  troubledUntil = -Infinity;
  steppedAt = -Infinity;
  frozenUntil = 0;
  /** Nothing gets in or out. */
  unreachableUntil = 0;
  /** Who listens to a channel. */
  readonly subscribers = new Map<string, (message: string) => void>();
  /** Told when the server is another one: all connections are cut. */
  readonly onRestart = new Set<() => void>();
  readonly db: Keyspace;
  readonly #replica: Keyspace;
  #lastUs = 0;
  #ahead: number;

  constructor(
    private readonly world: World,
    readonly name: string,
    /** How much faster than the world its clock runs. */
    private readonly drift: number,
    ahead: number,
  ) {
    this.#ahead = ahead;
    this.db = new Keyspace(() => this.ms);
    this.#replica = new Keyspace(() => this.ms);
  }

  /** The server's clock. */
  get us(): number {
    return Math.floor((EPOCH + this.world.now * (1 + this.drift) + this.#ahead) * 1000);
  }

  get ms(): number {
    return Math.floor(this.us / 1000);
  }

  get uptimeSeconds(): number {
    return Math.floor((this.world.now - this.bornAt) / 1000);
  }

  run({ name, keys, args }: SimCommand): unknown {
    const script = REFERENCE_SCRIPTS[name];
    if (script === undefined) throw new Error(`The simulation knows no script ${name}.`);
    // No two commands run in the same microsecond.
    this.#lastUs = Math.max(this.us, this.#lastUs < this.us + 1000 ? this.#lastUs + 1 : 0);
    const publish = (channel: string, message: string): boolean => {
      const heard = this.subscribers.get(channel);
      heard?.(message);
      return heard !== undefined;
    };
    return script({ db: this.db, us: this.#lastUs, keys, args, publish });
  }

  /** Everything is lost, by a restart or by FLUSHALL. */
  flush(): void {
    this.troubledUntil = this.world.now;
    this.db.clear();
  }

  restart(keepsData: boolean): void {
    this.runId += 1;
    this.bornAt = this.world.now;
    if (!keepsData) this.db.clear();
    this.#cut();
  }

  /** From here on the replica lags. */
  lag(): void {
    this.db.copyTo(this.#replica);
  }

  failOver(): void {
    this.#replica.copyTo(this.db);
    this.runId += 1;
    this.#cut();
  }

  freeze(ms: number): void {
    this.frozenUntil = this.world.now + ms;
    this.troubledUntil = this.frozenUntil;
  }

  /** A network that lets nobody through. */
  hide(ms: number): void {
    this.unreachableUntil = this.world.now + ms;
    this.troubledUntil = this.unreachableUntil;
    this.#cut();
  }

  stepClock(ms: number): void {
    this.steppedAt = this.world.now;
    this.#ahead += ms;
  }

  #cut(): void {
    this.troubledUntil = Math.max(this.troubledUntil, this.world.now);
    this.subscribers.clear();
    for (const cut of [...this.onRestart]) cut();
  }
}
