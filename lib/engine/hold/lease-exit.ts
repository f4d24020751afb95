import type { ReleaseReply } from '../store/lock-store.js';
import type { TokenListener } from '../store/token-routes.js';
import type { Yield } from '../store/yield.js';
import type { LeaseState } from './lease-state.js';
import type { TenureContext } from './tenure-context.js';

/** Its token is on its way out: what concerns it meanwhile is settled by what was sent. */
const LEAVING: TokenListener = {};

/**
 * The ways in which a lease leaves this process; each ends it, once. Until what was sent is answered the token is not
 * one that nobody uses: to give it back once more, when a waiter doubts it, would come before what was sent where a
 * slot of a Cluster is being moved, and tell that as a loss.
 */
export class LeaseExit {
  #over = false;

  /** @param ended Called after what ends it is on its way to the store. */
  constructor(
    private readonly hold: LeaseState,
    private readonly context: TenureContext,
    private readonly ended: (yields?: Yield) => void,
  ) {}

  get over(): boolean {
    return this.#over;
  }

  giveBack(minHoldLeft: number): Promise<ReleaseReply> {
    const { key, token, ttl } = this.hold;
    this.#end();
    const reply = this.#sent(this.context.releaser.release({ key, token, minHoldLeft }, ttl));
    this.ended();
    return reply;
  }

  /** Gives the lock to the process that waits, and takes a new place behind it, in one step. */
  yield(): Promise<ReleaseReply> {
    const { key, token, ttl } = this.hold;
    const { clock, releaser, settings } = this.context;
    const until = clock.now() + settings.commandTimeout;
    this.#end();
    const yielded = new Promise<ReleaseReply>((resolve) => {
      // Without an answer it goes alone, but its caller waits no longer than for one.
      const alone = () => releaser.releaseBy(until, { key, token, minHoldLeft: 0 }, ttl);
      this.ended({ token, settle: (reply) => resolve(reply ?? alone()) });
    });
    return this.#sent(yielded);
  }

  /** Leaves the lock held in the store, by what is sent there. */
  detach<T>(send: () => Promise<T>): Promise<T> {
    this.#end();
    const sent = this.#sent(send());
    this.ended();
    return sent;
  }

  /**
   * It is, or may be, lost.
   *
   * @param told Tells its callers; returns what is left of their `minHold`, in milliseconds.
   * @param ours Redis may still have the lock under our token.
   */
  lose(told: () => number, ours: boolean): void {
    if (this.#over) return;
    const { key, token, ttl } = this.hold;
    this.#end();
    const minHoldLeft = told();
    if (ours)
      this.#sent(this.context.releaser.release({ key, token, minHoldLeft }, ttl)).catch(() => {});
    else this.#forget();
    this.ended();
  }

  #end(): void {
    this.#over = true;
    this.context.renewer.drop(this.hold);
    this.context.routes.watch(this.hold.token, LEAVING);
  }

  #sent<T>(reply: Promise<T>): Promise<T> {
    reply.then(this.#forget, this.#forget);
    return reply;
  }

  readonly #forget = (): void => this.context.routes.forget(this.hold.token);
}
