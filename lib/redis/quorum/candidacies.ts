import type { PushedGrant } from '../servers/push-messages.js';
import { Candidacy } from './candidacy.js';
import type { Coordinators } from './coordinators.js';
import type { QuorumNode } from './node.js';
import type { QuorumNodes } from './nodes.js';

/** The tokens of this process that wait or hold, and those that are being given up. */
export class Candidacies {
  readonly #claims = new Map<string, Candidacy>();
  /** Given up, though votes that were passed to them may still be told. */
  readonly #leaving = new Map<string, Candidacy>();

  constructor(
    private readonly group: QuorumNodes,
    private readonly coordinators: Coordinators,
  ) {}

  get(token: string): Candidacy | undefined {
    return this.#claims.get(token);
  }

  begin(key: string, token: string, ttl: number): Candidacy {
    const claim = new Candidacy(key, token, ttl);
    this.#claims.set(token, claim);
    return claim;
  }

  /** The claim of a token that is given up; of an unknown one, any node may have it. */
  take(key: string, token: string): Candidacy {
    const known = this.#claims.get(token);
    this.#claims.delete(token);
    if (known !== undefined) {
      if (known.isExpecting) void this.#leave(known);
      return known;
    }
    const claim = new Candidacy(key, token, 0, this.group.nodes);
    claim.coordinator = this.coordinators.coordinatorOf(key, 0);
    return claim;
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

  /** Whose vote a node has pushed; one that came too late is given back. */
  granted(node: QuorumNode, grant: PushedGrant): Candidacy | undefined {
    const { key, token } = grant;
    const claim = this.#claims.get(token);
    claim?.granted(node, grant);
    if (claim === undefined)
      (this.#leaving.get(token) ?? new Candidacy(key, token, 0)).refuse(node);
    return claim;
  }

  async #leave(claim: Candidacy): Promise<void> {
    this.#leaving.set(claim.token, claim);
    // What gives it up is sent in this tick.
    await Promise.resolve();
    await claim.givenBack();
    this.#leaving.delete(claim.token);
  }
}
