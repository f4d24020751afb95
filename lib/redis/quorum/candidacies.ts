import type { Grant } from '../../engine/store/lock-store.js';
import { Candidacy } from './candidacy.js';
import type { Coordinators } from './coordinators.js';
import type { QuorumNode } from './node.js';
import type { QuorumNodes } from './nodes.js';

/** The tokens of this process that wait or hold, and those that are being given up. */
export class Candidacies {
  readonly #claims = new Map<string, Candidacy>();

  constructor(
    private readonly group: QuorumNodes,
    private readonly coordinators: Coordinators,
  ) {}

  get(token: string): Candidacy | undefined {
    return this.#claims.get(token);
  }

  begin(key: string, token: string, ttl: number): Candidacy {
    const claim = new Candidacy(key, token, ttl, this.coordinators.coordinatorOf(key, ttl));
    this.#claims.set(token, claim);
    return claim;
  }

  /** The claim of a token that is given up; of an unknown one, any node may have it. */
  take(key: string, token: string): Candidacy {
    const known = this.#claims.get(token);
    this.#claims.delete(token);
    if (known !== undefined) return known;
    return new Candidacy(key, token, 0, this.coordinators.coordinatorOf(key, 0), this.group.nodes);
  }

  /** It was not given up in one step: the caller releases it, and hears what the nodes have answered. */
  keep(old: Candidacy | undefined): void {
    if (old !== undefined) this.#claims.set(old.token, old);
  }

  /** Resolves when the nodes have heard of it; one that hangs is not waited for once a majority has. */
  async abandon(claim: Candidacy): Promise<void> {
    const { group } = this;
    this.take(claim.key, claim.token);
    const told = group.send(group.nodes, (node) => claim.release(node), 0);
    await group.gather(told, ({ length }) => (length < group.majority ? 'wait' : 'soon'));
  }

  /** The candidacy whose turn has come at `node`; what was granted to a token that was given up goes back. */
  granted(node: QuorumNode, grant: Grant): Candidacy | undefined {
    const { key, token } = grant;
    const claim = this.#claims.get(token);
    if (claim === undefined) new Candidacy(key, token, 0, node, [node]).giveBack([node]);
    // What another node has granted was asked for before its queue was left: it goes back with the rest.
    if (claim === undefined || claim.held || claim.coordinator !== node) return undefined;
    claim.turn = grant;
    return claim;
  }
}
