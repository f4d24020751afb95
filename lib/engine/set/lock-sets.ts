import type { DetachedLocks } from '../api/detached-lock.js';
import { LockConfigError } from '../api/errors.js';
import { byBytes, type LockKeys } from '../api/lock-key.js';
import type { LockRequest } from '../api/lock-options.js';
import type { GateRegistry } from '../gate/gate-registry.js';
import { HolderEvents } from '../hold/holder-events.js';
import type { LockContext } from '../reentry/lock-context.js';
import { checkReentries, reenter } from '../reentry/reentered-lock.js';
import type { ReentrantLock } from '../reentry/reentrant-lock.js';
import type { ReentryContext } from '../reentry/reentry-queue.js';
import { LockSet, type LockSetContext } from './lock-set.js';
import { attachAll } from './moving-set.js';
import { SetCall, type SetStep } from './set-call.js';
import { SetEvents } from './set-events.js';

/**
 * Takes several keys for one call: all of them or none. Everybody takes them in one order, so that no
 * two calls wait for each other. Keys that the calling context holds are re-entered.
 */
export class LockSets {
  readonly #context: LockSetContext;

  constructor(
    private readonly gates: GateRegistry,
    private readonly contexts: LockContext,
    reentry: ReentryContext,
    /** Whether the application is closing. */
    private readonly isClosing: () => boolean,
  ) {
    this.#context = {
      ...reentry,
      holderEvents: new HolderEvents(reentry.events),
      giveBack: ({ key, token, lease, minHoldLeft }) =>
        void gates.mover.inTurn(token, async () =>
          gates.releaser.discard(key, token, lease, minHoldLeft),
        ),
    };
  }

  /**
   * @param keys At least two, sorted.
   * @throws {LockConfigError} They can't be locked together.
   */
  async enter(keys: LockKeys, request: LockRequest, isInside: boolean): Promise<LockSet> {
    this.#check(keys);
    const outers = this.#outers(keys, request);
    const { gates, isClosing } = this;
    const call = new SetCall(keys, request, isInside, { gates, isClosing, ...this.#context });
    const isOneStep = outers.size === 0 && call.mayBeFree;
    const together = isOneStep ? await call.together() : undefined;
    const members = together ?? (await call.oneByOne(this.#steps(keys, outers, isInside)));
    const lock = new LockSet(keys, request, members, this.#context);
    this.#context.holderEvents.acquired(lock, call, call.entered());
    return lock;
  }

  /** Takes over what was detached together: the locks of all keys; once. */
  async attach(
    detached: DetachedLocks,
    keys: LockKeys,
    request: LockRequest,
    isInside: boolean,
  ): Promise<ReentrantLock> {
    if (keys.length === 1) return this.gates.attach(detached[0], request, isInside);
    const { clock, events, holderEvents } = this.#context;
    const startedAt = clock.now();
    const call = { keys, waitedMs: 0 };
    const told = new SetEvents(call, events);
    const part = { ...request, maxHold: Infinity, observed: undefined, events: told };
    const attaching = detached.map((each) => {
      return { detached: each, asked: this.gates.attach(each, part, isInside) };
    });
    const members = await attachAll(attaching, keys, this.#context.giveBack);
    const lock = new LockSet(keys, request, members, this.#context);
    told.isHeld = true;
    holderEvents.acquired(lock, { waitedMs: clock.now() - startedAt }, 'free');
    return lock;
  }

  #check(keys: LockKeys): void {
    const { sets } = this.gates.store;
    if (sets !== undefined) return sets.check(keys);
    const problem =
      'Several keys in one call are not available on a quorum (several independent servers); take one ' +
      'key that covers them, or use one server, Sentinel or a Cluster.';
    throw new LockConfigError([problem], keys);
  }

  /** The locks of the calling context that have some of the keys, and which. */
  #outers(keys: LockKeys, request: LockRequest): ReadonlyMap<ReentrantLock, LockKeys> {
    const outers = new Map<ReentrantLock, LockKeys>();
    for (const key of keys) {
      const outer = this.contexts.find(key);
      if (outer === undefined) continue;
      const held = outers.get(outer);
      outers.set(outer, held === undefined ? [key] : [...held, key]);
    }
    for (const [outer, held] of outers) checkReentries(outer, held, request);
    return outers;
  }

  /**
   * A lock that is re-entered stands where the first of all its keys does, so that calls of one section
   * for different keys of it do not wait for each other either.
   */
  #steps(
    keys: LockKeys,
    outers: ReadonlyMap<ReentrantLock, LockKeys>,
    isInside: boolean,
  ): SetStep[] {
    const held = new Set([...outers.values()].flat());
    const steps = keys
      .filter((key) => !held.has(key))
      .map((key): { readonly at: string; readonly take: SetStep } => {
        return { at: key, take: (request) => this.gates.enter(key, request, isInside) };
      });
    for (const [outer, its] of outers) {
      const [at = ''] = outer.parts.map(({ key }) => key).sort(byBytes);
      steps.push({ at, take: (request) => reenter(outer, its, request, this.#context) });
    }
    return steps.sort((one, other) => byBytes(one.at, other.at)).map(({ take }) => take);
  }
}
