import { areCompatible } from '../../lib/engine/api/capacity.js';
import { capacityIn } from '../../lib/engine/store/token.js';

/** What a lock is meant to do, said as plainly as possible: who holds it, and who waits, in order. */
export class LockModel {
  holders: string[] = [];
  queue: string[] = [];

  /** The token that is answered: `held`, `queued`, `busy`, or `conflict`. */
  acquire(token: string, waits: boolean): string {
    if (this.holders.includes(token)) return 'held';
    this.#serve();
    if (this.holders.includes(token)) return 'held';
    if (this.queue.length === 0 && this.#admits(token)) {
      this.holders.push(token);
      return 'held';
    }
    const other = this.holders[0] ?? this.queue.at(-1);
    if (other !== undefined && !areCompatible(capacityIn(other), capacityIn(token)))
      return 'conflict';
    if (!waits) return 'busy';
    if (!this.queue.includes(token)) this.queue.push(token);
    return 'queued';
  }

  /** What stands between the token and the lock: `held` by it, `free`, `busy` or `conflict`. */
  look(token: string): string {
    if (this.holders.includes(token)) return 'held';
    this.#serve();
    if (this.queue.length === 0 && this.#admits(token)) return 'free';
    return this.acquire(token, false);
  }

  yield(token: string, fresh: string): string {
    if (!this.holders.includes(token)) return this.acquire(fresh, true);
    this.holders = this.holders.filter((one) => one !== token);
    if (!this.queue.includes(fresh)) this.queue.push(fresh);
    this.#serve();
    return this.holders.includes(fresh) ? 'held' : 'queued';
  }

  /** @param stays Whether the first token goes on holding it. */
  move(from: string, to: string, stays: boolean): string {
    if (this.holders.includes(to)) return 'held';
    if (!this.holders.includes(from)) return 'lost';
    this.holders = [...this.holders.filter((one) => stays || one !== from), to];
    return 'held';
  }

  poll(token: string): string {
    if (this.holders.includes(token)) return 'held';
    if (!this.queue.includes(token)) return 'gone';
    this.#serve();
    return this.holders.includes(token) ? 'held' : 'queued';
  }

  renew(token: string): string {
    return this.holders.includes(token) ? 'held' : 'lost';
  }

  release(token: string): string {
    if (this.holders.includes(token)) {
      this.holders = this.holders.filter((one) => one !== token);
      this.#serve();
      return 'released';
    }
    const wasFirst = this.queue[0] === token;
    this.queue = this.queue.filter((one) => one !== token);
    if (wasFirst && this.holders.length > 0) this.#serve();
    return 'not-held';
  }

  revoke(): boolean {
    const anybody = this.holders.length > 0;
    this.holders = [];
    if (anybody) this.#serve();
    return anybody;
  }

  /** The leases of all holders end; nobody is told. */
  expire(): void {
    this.holders = [];
  }

  /** Those in front enter as long as they get along with the holders. */
  #serve(): void {
    for (let [head] = this.queue; head !== undefined && this.#admits(head); [head] = this.queue)
      this.holders.push(this.queue.shift() as string);
  }

  #admits(token: string): boolean {
    const capacity = capacityIn(token);
    return (
      this.holders.length < capacity && this.holders.every((one) => capacityIn(one) === capacity)
    );
  }
}

/** Several locks in one step: all or none. */
export function acquireSet(
  locks: readonly { readonly model: LockModel; readonly token: string }[],
): string {
  for (const { model, token } of locks) {
    const found = model.look(token);
    if (found === 'held' || found === 'free') continue;
    for (const one of locks)
      if (one.model.holders.includes(one.token)) one.model.release(one.token);
    return found;
  }
  for (const { model, token } of locks) model.acquire(token, false);
  return 'held';
}
