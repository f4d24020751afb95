import { LockConfigError } from '../../engine/api/errors.js';
import type { StoredPlace } from '../../engine/store/lock-queue.js';
import { type StoredLock, UndecidedError } from '../../engine/store/stored-lock.js';
import { isToken } from '../../engine/store/token.js';
import { NOBODY } from '../scripts/define-script.js';
import type { NodeStore } from '../store/node-store.js';
import type { QuorumNode } from './node.js';
import type { Answers, QuorumNodes } from './nodes.js';

/** What a majority of the nodes knows of locks, and the operator's lever. */
export class QuorumViewer {
  constructor(private readonly nodes: QuorumNodes) {}

  /** The holder that a majority has, or may have: of five nodes two are silent, and two name the same holder. */
  async inspect(key: string): Promise<StoredLock | null> {
    const { majority } = this.nodes;
    const answers = await this.#all(key, (store) => store.inspect(key));
    const views = answers.flatMap(({ reply }) => reply ?? []);
    const silent = this.nodes.all.length - answers.length;
    const [held, ...others] = [...new Set(views.map(({ token }) => token))]
      .map((token) => views.filter((view) => view.token === token))
      .filter(({ length }) => length + silent >= majority);
    if (held === undefined) return null;
    const all = [held, ...others].flatMap(([one]) => one ?? []);
    if (all.length > 1) throw new UndecidedError(this.nodes.unavailable(key, answers), all);
    // For so long a majority has it, as far as is seen.
    const leases = held.map(({ leaseLeft }) => leaseLeft).sort((a, b) => b - a);
    const leaseLeft = leases[Math.min(majority, leases.length) - 1] ?? 0;
    // Each process reports its callers where it waits; one that holds, at every node.
    const waiters = new Map<string, number>();
    for (const [boot, callers] of views.flatMap((view) => [...view.waiters]))
      waiters.set(boot, Math.max(callers, waiters.get(boot) ?? 0));
    return { token: held[0]?.token, leaseLeft, waiters };
  }

  async revoke(key: string): Promise<boolean> {
    const seen = await this.inspect(key);
    if (seen === null) return false;
    const { token = NOBODY } = seen;
    if (token !== NOBODY && !isToken(token)) return false;
    const answers = await this.#all(key, (store) => store.revokeFrom(key, token));
    return answers.some(({ reply }) => reply === true);
  }

  /** The queue is on one node, whichever that is at the time: the longest is it. */
  async queue(key: string): Promise<readonly StoredPlace[]> {
    const answers = await this.#all(key, (store) => store.queue(key));
    const queues = answers.flatMap(({ reply }) => (reply === undefined ? [] : [reply]));
    return queues.reduce((one, other) => (other.length > one.length ? other : one));
  }

  /** Keys of all nodes that can be asked, as long as they are a majority. */
  async *keys(match: string): AsyncGenerator<readonly string[]> {
    await this.nodes.connected('');
    let usable = this.nodes.all.length;
    for (const { store } of this.nodes.all) {
      try {
        yield* store.keys(match);
      } catch (error) {
        if ((usable -= 1) < this.nodes.majority) throw error;
      }
    }
  }

  /** What the nodes say that answer, as long as they are a majority. */
  async #all<T>(key: string, command: (store: NodeStore) => Promise<T>): Promise<Answers<T>> {
    const look = (node: QuorumNode): Promise<T> => node.call(key, command);
    await this.nodes.connected(key);
    const answers = await this.nodes.ask(this.nodes.all, look, () => 'wait');
    this.nodes.check(key);
    const answered = answers.filter(({ error }) => error === undefined);
    const refused = answers.filter(({ error }) => error instanceof LockConfigError);
    if (refused.length >= this.nodes.majority) throw refused[0]?.error;
    if (answered.length < this.nodes.majority) throw this.nodes.unavailable(key, answers);
    return answered;
  }
}
