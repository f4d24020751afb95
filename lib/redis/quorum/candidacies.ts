import type { Grant } from '../../engine/store/lock-store.js';
import { Candidacy } from './candidacy.js';
import type { Coordinators } from './coordinators.js';
import type { QuorumNode } from './node.js';
import type { QuorumNodes } from './nodes.js';

/** The tokens of this process that wait or hold. */
export class Candidacies {
  readonly #byToken = new Map<string, Candidacy>();

  constructor(
    private readonly nodes: QuorumNodes,
    private readonly coordinators: Coordinators,
  ) {}

  get(token: string): Candidacy | undefined {
    return this.#byToken.get(token);
  }

  begin(key: string, token: string, ttl: number): Candidacy {
    const coordinator = this.coordinators.coordinatorOf(key);
    const candidacy = new Candidacy(key, token, ttl, coordinator);
    this.#byToken.set(token, candidacy);
    return candidacy;
  }

  /** That of a token that is given up; of an unknown one, any node may have it. */
  take(key: string, token: string): Candidacy {
    const known = this.#byToken.get(token);
    this.#byToken.delete(token);
    if (known !== undefined) return known;
    return new Candidacy(key, token, 0, this.coordinators.coordinatorOf(key), this.nodes.all);
  }

  /** It was not given up in one step: the caller releases it, and hears what the nodes have answered. */
  keep(old: Candidacy | undefined): void {
    if (old !== undefined) this.#byToken.set(old.token, old);
  }

  /** Resolves when the nodes have heard of it; one that hangs is not waited for once a majority has. */
  async abandon(candidacy: Candidacy): Promise<void> {
    const { nodes } = this;
    this.take(candidacy.key, candidacy.token);
    const told = nodes.send(nodes.all, (node) => candidacy.release(node), 0);
    await nodes.gather(told, ({ length }) => (length < nodes.majority ? 'wait' : 'soon'));
  }

  /** The one whose turn has come at `node`; what was granted to a token that was given up goes back. */
  granted(node: QuorumNode, grant: Grant): Candidacy | undefined {
    const { key, token } = grant;
    const candidacy = this.#byToken.get(token);
    if (candidacy === undefined) new Candidacy(key, token, 0, node, [node]).giveBack([node]);
    // What another node has granted was asked for before its queue was left: it goes back with the rest.
    if (candidacy === undefined || candidacy.held || candidacy.coordinator !== node)
      return undefined;
    candidacy.turn = grant;
    return candidacy;
  }
}
