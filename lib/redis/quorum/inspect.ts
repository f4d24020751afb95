import type { StoredPlace } from '../../engine/store/lock-queue.js';
import type { StoredLock } from '../../engine/store/stored-lock.js';
import { isToken } from '../../engine/store/token.js';
import { NOBODY } from '../scripts/define-script.js';
import type { NodeAnswer } from './gather.js';
import type { QuorumNode } from './node.js';
import type { QuorumNodes } from './nodes.js';

/** What nodes know of a lock; `null`: nobody holds it there. */
type Views = readonly (StoredLock | null)[];

/** What a majority of the nodes knows of locks, and the operator's lever. */
export class QuorumViewer {
  constructor(private readonly nodes: QuorumNodes) {}

  /**
   * The holder that a majority has, or may have by the nodes that did not answer: of five nodes, two of
   * them silent, two that name the same holder do not tell that nobody holds it.
   */
  async inspect(key: string): Promise<StoredLock | null> {
    const { nodes } = this;
    await nodes.connected();
    const answers = await nodes.ask(
      nodes.all,
      (node) => node.call(key, (store) => store.inspect(key)),
      () => 'wait',
    );
    const views = this.#answered(key, answers);
    const silent = nodes.all.length - views.length;
    const [held, ...others] = byHolder(views).filter(
      ({ length }) => length + silent >= nodes.majority,
    );
    if (held === undefined) return null;
    if (others.length > 0) throw nodes.unavailable(key, answers);
    // For so long a majority has it, as far as is seen.
    const leases = held.map(({ leaseLeft }) => leaseLeft).sort((a, b) => b - a);
    const leaseLeft = leases[Math.min(nodes.majority, leases.length) - 1] ?? 0;
    return { token: held[0]?.token, leaseLeft, waiters: waitersIn(views) };
  }

  async revoke(key: string): Promise<boolean> {
    const seen = await this.inspect(key);
    if (seen === null) return false;
    const { token = NOBODY } = seen;
    if (token !== NOBODY && !isToken(token)) return false;
    const answers = await this.nodes.ask(
      this.nodes.all,
      (node) => node.call(key, (store) => store.revokeFrom(key, token)),
      () => 'wait',
    );
    return this.#answered(key, answers).includes(true);
  }

  /** The queue is on one node, whichever that is at the time: the longest is it. */
  async queue(key: string): Promise<readonly StoredPlace[]> {
    const answers = await this.nodes.ask(
      this.nodes.all,
      (node) => node.call(key, (store) => store.queue(key)),
      () => 'wait',
    );
    return this.#answered(key, answers).reduce((one, other) =>
      other.length > one.length ? other : one,
    );
  }

  /** Keys of all nodes that can be asked, as long as they are a majority. */
  async *keys(match: string): AsyncGenerator<readonly string[]> {
    const { all, majority } = this.nodes;
    let failed = 0;
    for (const { store } of all) {
      try {
        yield* store.keys(match);
      } catch (error) {
        failed += 1;
        if (all.length - failed < majority) throw error;
      }
    }
  }

  #answered<T>(key: string, answers: readonly NodeAnswer<QuorumNode, T>[]): T[] {
    this.nodes.check(key);
    const answered = answers
      .filter(({ error }) => error === undefined)
      .map(({ reply }) => reply as T);
    if (answered.length < this.nodes.majority) throw this.nodes.unavailable(key, answers);
    return answered;
  }
}

/** The views that name a holder, those of one holder together. */
function byHolder(views: Views): StoredLock[][] {
  const groups = new Map<string | undefined, StoredLock[]>();
  for (const view of views) {
    if (view === null) continue;
    const same = groups.get(view.token) ?? [];
    groups.set(view.token, [...same, view]);
  }
  return [...groups.values()];
}

/** Each process reports its callers where it waits; one that holds, at every node. */
function waitersIn(views: Views): Map<string, number> {
  const waiters = new Map<string, number>();
  for (const view of views) {
    for (const [boot, callers] of view?.waiters ?? []) {
      waiters.set(boot, Math.max(callers, waiters.get(boot) ?? 0));
    }
  }
  return waiters;
}
