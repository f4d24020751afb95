import type { DetachedLocks } from '../api/detached-lock.js';
import { LockConfigError } from '../api/errors.js';
import { byBytes, type LockKeys } from '../api/lock-key.js';
import type { LockRequest } from '../api/lock-options.js';
import { asItIs, receive, type Reception } from '../api/reception.js';
import type { GateRegistry } from '../gate/gate-registry.js';
import { HolderEvents } from '../hold/holder-events.js';
import type { LockContext } from '../reentry/lock-context.js';
import { checkReentries, reenter } from '../reentry/reentered-lock.js';
import type { ReentrantLock } from '../reentry/reentrant-lock.js';
import type { ReentryContext } from '../reentry/reentry-queue.js';
import { LockSet, type LockSetContext } from './lock-set.js';
import { attachAll } from './moving-set.js';
import { SetCall } from './set-call.js';
import type { SetMember, SetStep } from './set-member.js';
import { SetEvents } from './set-events.js';

/** The locks of the calling context that have some of the keys, and which. */
type Outers = ReadonlyMap<ReentrantLock, LockKeys>;

/** What a call takes, and its place in the order of the keys. */
interface PlacedStep {
  readonly at: string;
  readonly take: SetStep;
}

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
   * @param keys Sorted; of several, all or nothing.
   * @throws {LockConfigError} They can't be locked together.
   */
  enter<R>(
    keys: LockKeys,
    request: LockRequest,
    isInside: boolean,
    to: Reception<ReentrantLock, R>,
  ): Promise<R> {
    if (keys.length === 1) return this.gates.enter(keys[0], request, isInside, to);
    const entered = this.#enter(keys, request, isInside);
    request.observed?.watch(entered);
    return receive(entered, to);
  }

  async #enter(keys: LockKeys, request: LockRequest, isInside: boolean): Promise<LockSet> {
    this.#check(keys);
    const outers = this.#outers(keys, request);
    const { gates, isClosing } = this;
    const { clock, events } = this.#context;
    const context = { gates, isClosing, clock, events: events.topics };
    const call = new SetCall(keys, request, isInside, context);
    const isOneStep = call.once || (outers.size === 0 && gates.areIdle(keys, request));
    const together = isOneStep ? await this.#together(call, outers) : undefined;
    // Where one step is not tried, the call stands in line from where it was made; else from the answer.
    const members = together ?? (await this.#oneByOne(call, outers));
    const lock = new LockSet(keys, request, members, this.#context);
    this.#context.holderEvents.acquired(lock, call, call.entered());
    return lock;
  }

  /** Takes over what was detached together: the locks of all keys; once. */
  attach(
    detached: DetachedLocks,
    keys: LockKeys,
    request: LockRequest,
    isInside: boolean,
  ): Promise<ReentrantLock> {
    const attached = this.#attach(detached, keys, request, isInside);
    request.observed?.watch(attached);
    return attached;
  }

  async #attach(
    detached: DetachedLocks,
    keys: LockKeys,
    request: LockRequest,
    isInside: boolean,
  ): Promise<ReentrantLock> {
    if (keys.length === 1) return this.gates.attach(detached[0], request, isInside);
    const { clock, events, holderEvents } = this.#context;
    const startedAt = clock.now();
    const call = { keys, waitedMs: 0 };
    const told = new SetEvents(call, events.topics);
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

  #outers(keys: LockKeys, request: LockRequest): Outers {
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

  #together(call: SetCall, outers: Outers): Promise<readonly SetMember[] | undefined> {
    return call.together(
      missing(call.keys, outers),
      this.#reentries(outers).map(({ take }) => take),
    );
  }

  /**
   * A lock that is re-entered stands where the first of all its keys does, so that calls of one section
   * for different keys of it do not wait for each other either.
   */
  #oneByOne(call: SetCall, outers: Outers): Promise<readonly SetMember[]> {
    const taken = missing(call.keys, outers).map((key): PlacedStep => {
      return {
        at: key,
        take: (request) => this.gates.enter(key, request, call.isInside, asItIs()),
      };
    });
    const steps = [...taken, ...this.#reentries(outers)];
    steps.sort((one, other) => byBytes(one.at, other.at));
    return call.oneByOne(steps.map(({ take }) => take));
  }

  #reentries(outers: Outers): readonly PlacedStep[] {
    return [...outers].map(([outer, its]) => {
      const [at = ''] = outer.parts.map(({ key }) => key).sort(byBytes);
      return { at, take: (request) => reenter(outer, its, request, this.#context) };
    });
  }
}

function missing(keys: LockKeys, outers: Outers): readonly string[] {
  const held = new Set([...outers.values()].flat());
  return keys.filter((key) => !held.has(key));
}
