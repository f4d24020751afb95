import { describe, expect, it } from '@jest/globals';
import { array, assert, asyncProperty, boolean, constantFrom, nat, record } from 'fast-check';

import { isLockError, LockUnavailableError } from '../../../lib/engine/api/errors.js';
import type { LockOptions } from '../../../lib/engine/api/lock-options.js';
import type { Lock } from '../../../lib/engine/api/lock.js';
import { Processes } from './processes.js';
import type { Process } from './processes.js';

const STEPS = array(
  record({
    what: constantFrom(
      ...(['acquire', 'acquire', 'release', 'detach', 'detach', 'attach', 'attach'] as const),
      ...(['revoke', 'wait'] as const),
    ),
    party: nat(2),
    /** Which of the handles or tickets, used ones too; the latest first. */
    pick: constantFrom(0, 0, 0, 1, 2),
    /** Whether the first answer of a move is lost. */
    isLost: boolean(),
  }),
  { minLength: 10, maxLength: 40 },
);

interface Ticket {
  readonly text: string;
  readonly fence: number;
  isUsed: boolean;
}

/** Three processes that take one key, detach and attach it, and what of it they have. */
class World {
  readonly #processes = new Processes();
  readonly #parties: readonly Process[] = [0, 1, 2].map(() => this.#processes.open());
  readonly #handles: Lock[] = [];
  readonly #tickets: Ticket[] = [];
  #loses = false;

  constructor(private readonly kind: LockOptions) {
    for (const { store } of this.#parties) {
      store.onMove = async (_, next) => {
        const reply = await next();
        if (!this.#loses) return reply;
        this.#loses = false;
        throw new LockUnavailableError(['k'], 'cut.');
      };
    }
  }

  async step(what: string, party: number, pick: number, isLost: boolean): Promise<void> {
    const { manager } = this.#parties[party] as Process;
    const handle = this.#handles[pick];
    const ticket = this.#tickets[pick];
    this.#loses = isLost;
    if (what === 'acquire') {
      const lock = await this.#passing(manager.tryAcquire('k', this.kind));
      if (lock !== null) this.#handles.unshift(lock);
    } else if (what === 'release' && handle !== undefined) await this.#passing(handle.release());
    else if (what === 'revoke') await this.#passing(manager.forceRelease('k'));
    else if (what === 'detach' && handle !== undefined) await this.#detach(handle);
    else if (what === 'attach' && ticket !== undefined) await this.#attach(party, ticket);
    else if (what === 'wait') await this.#processes.clock.advance(7000);
    this.#loses = false;
  }

  /** How many have the lock by their own word, and by that of the store. */
  get holders(): { readonly handles: number; readonly stored: number } {
    const handles = this.#handles.filter(({ remainingMs }) => remainingMs > 0).length;
    return { handles, stored: this.#processes.space.lock('k')?.holders.size ?? 0 };
  }

  get attached(): number {
    return this.#tickets.filter(({ isUsed }) => isUsed).length;
  }

  /** All is given back, or ends by itself; returns what is left then. */
  async end(): Promise<readonly string[]> {
    for (const handle of this.#handles) await this.#passing(handle.release());
    await this.#processes.clock.advance(31_000);
    return this.#processes.space.keys();
  }

  async #detach(handle: Lock): Promise<void> {
    const wasHeld = handle.remainingMs > 0;
    const text = await this.#passing(handle.detach().catch(lost));
    expect(handle.remainingMs).toBe(0);
    if (text === undefined) return;
    expect(wasHeld).toBe(true);
    this.#tickets.unshift({ text, fence: handle.fencingToken, isUsed: false });
  }

  async #attach(party: number, ticket: Ticket): Promise<void> {
    const { manager } = this.#parties[party] as Process;
    const lock = await this.#passing(manager.attach(ticket.text).catch(lost));
    if (lock === undefined) return;
    expect({ isUsed: ticket.isUsed, fence: lock.fencingToken }).toEqual({
      isUsed: false,
      fence: ticket.fence,
    });
    ticket.isUsed = true;
    this.#handles.unshift(lock);
  }

  /** Time goes on until it is settled. */
  async #passing<T>(call: Promise<T>): Promise<T> {
    const state = { isSettled: false };
    const settle = (): void => void (state.isSettled = true);
    call.then(settle, settle);
    for (let i = 0; !state.isSettled && i < 100; i += 1) await this.#processes.clock.advance(20);
    return call;
  }
}

function lost(error: unknown): undefined {
  if (!isLockError(error, 'LOCK_LOST')) throw error;
}

describe.each([
  ['an exclusive lock', 1, {}],
  ['a semaphore of two', 2, { permits: 2 }],
  ['a shared lock', Infinity, { mode: 'shared' }],
] as const)('%s that is taken, detached and attached at random', (_name, most, kind) => {
  it('has no more holders than it may, is attached once by each ticket, and leaves nothing', async () => {
    let attached = 0;
    await assert(
      asyncProperty(STEPS, async (steps) => {
        const world = new World(kind);
        for (const { what, party, pick, isLost } of steps) {
          await world.step(what, party, pick, isLost);
          const { handles, stored } = world.holders;
          expect(Math.max(handles, stored)).toBeLessThanOrEqual(most);
        }
        attached += world.attached;
        expect(await world.end()).toEqual([]);
      }),
      { numRuns: 60 },
    );
    expect(attached).toBeGreaterThan(0);
  }, 120_000);
});
