import type { StoredLock } from '../../engine/store/stored-lock.js';
import { isToken } from '../../engine/store/token.js';
import { NOBODY } from '../scripts/define-script.js';
import { majorityValue } from './arithmetic.js';
import type { NodeAnswer } from './gather.js';
import type { QuorumNode } from './node.js';
import type { QuorumNodes } from './nodes.js';

/** No holder at all. */
const FREE = '';

/** What a majority of the nodes knows of locks, and the operator's lever. */
export class QuorumViewer {
  constructor(private readonly group: QuorumNodes) {}

  async inspect(key: string): Promise<StoredLock | null> {
    await this.group.connected();
    const heard = await this.group.ask(
      this.group.nodes,
      (node) => node.call(key, (store) => store.inspect(key)),
      () => 'wait',
    );
    const views = this.#answered(key, heard);
    const holder = majorityValue(views.map(holderIn), this.group.nodes.length) ?? FREE;
    if (holder === FREE) return null;
    const leases = views.filter((view) => holderIn(view) === holder).map((view) => view?.leaseLeft);
    // For so long a majority has it.
    leases.sort((a = 0, b = 0) => b - a);
    const token = holder === NOBODY ? undefined : holder;
    return { token, leaseLeft: leases[this.group.majority - 1] ?? 0, waiters: waitersIn(views) };
  }

  async revoke(key: string): Promise<boolean> {
    const seen = await this.inspect(key);
    if (seen === null) return false;
    const { token = NOBODY } = seen;
    if (token !== NOBODY && !isToken(token)) return false;
    const heard = await this.group.ask(
      this.group.nodes,
      (node) => node.call(key, (store) => store.revokeFrom(key, token)),
      () => 'wait',
    );
    return this.#answered(key, heard).includes(true);
  }

  /** Keys of all nodes that can be asked, as long as they are a majority. */
  async *keys(match: string): AsyncGenerator<readonly string[]> {
    let failed = 0;
    for (const { store } of this.group.nodes) {
      try {
        yield* store.keys(match);
      } catch (error) {
        failed += 1;
        if (this.group.nodes.length - failed < this.group.majority) throw error;
      }
    }
  }

  #answered<T>(key: string, heard: readonly NodeAnswer<QuorumNode, T>[]): T[] {
    this.group.check(key);
    const answered = heard
      .filter(({ error }) => error === undefined)
      .map(({ reply }) => reply as T);
    if (answered.length < this.group.majority) throw this.group.unavailable(key, heard);
    return answered;
  }
}

function holderIn(view: StoredLock | null): string {
  return view === null ? FREE : (view.token ?? NOBODY);
}

/** Each process reports its callers where it waits; one that holds, at every node. */
function waitersIn(views: readonly (StoredLock | null)[]): Map<string, number> {
  const waiters = new Map<string, number>();
  for (const view of views) {
    for (const [boot, callers] of view?.waiters ?? []) {
      waiters.set(boot, Math.max(callers, waiters.get(boot) ?? 0));
    }
  }
  return waiters;
}
