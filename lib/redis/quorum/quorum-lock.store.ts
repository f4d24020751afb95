import { EXCLUSIVE } from '../../engine/api/capacity.js';
import { LockConfigError } from '../../engine/api/errors.js';
import type { QuorumState } from '../../engine/store/lock-health.js';
import type { StoredPlace } from '../../engine/store/lock-queue.js';
import type {
  AcquireCommand,
  AcquireReply,
  Grant,
  LockStore,
  PollCommand,
  PollReply,
  ReleaseCommand,
  ReleaseReply,
  RenewCommand,
  RenewReply,
  StoreEvents,
} from '../../engine/store/lock-store.js';
import type { StoredLock } from '../../engine/store/stored-lock.js';
import { capacityIn } from '../../engine/store/token.js';
import type { LinkedStore } from '../store/node-store.js';
import { QuorumAcquirer } from './acquire.js';
import { Candidacy } from './candidacy.js';
import { Coordinators } from './coordinators.js';
import { Fences } from './fences.js';
import { QuorumViewer } from './inspect.js';
import { QuorumNode } from './node.js';
import { QuorumNodes, type QuorumSettings } from './nodes.js';
import { QuorumRenewer } from './renew.js';

/** They can't be counted where each node knows of other holders. */
const NO_PERMITS =
  "mode: 'shared' and permits above 1 are not available on a quorum (several independent servers); use one server, Sentinel or a Cluster for them.";

/**
 * Locks that a majority of independent Redis servers holds: Redlock, with a queue. Exclusion rests on the majority
 * alone. The queue is on one node, the coordinator of the key; it brings order, so that waiters do not split the
 * votes between them, and decides nothing.
 */
export class QuorumLockStore implements LockStore {
  /** Votes are of one key, and can't change hands in one step. */
  readonly sets = undefined;
  readonly move = undefined;
  readonly #nodes: QuorumNodes;
  readonly #coordinators: Coordinators;
  readonly #acquirer: QuorumAcquirer;
  readonly #renewer: QuorumRenewer;
  readonly #viewer: QuorumViewer;
  /** The tokens of this process that wait or hold. */
  readonly #candidacies = new Map<string, Candidacy>();
  #events: StoreEvents | undefined;

  /** @param linked One store for each of the servers, in the order that all processes share. */
  constructor(linked: readonly LinkedStore[], settings: QuorumSettings) {
    const all = linked.map((one) => {
      const node: QuorumNode = new QuorumNode(one, settings.clock, {
        granted: (grant) => this.#granted(node, grant),
        wanted: (token, queue) => this.#wanted(node, token, queue),
        revoked: (token) => this.#revoked(token),
        recheck: (token, inMs) => this.#events?.recheck(token, inMs),
        doubted: (token, key) => this.#events?.doubted(token, key),
        troubled: (trouble) => this.#events?.troubled?.(trouble),
        reconnected: () => {
          this.#nodes.changed();
          this.#events?.reconnected();
        },
      });
      return node;
    });
    const nodes = (this.#nodes = new QuorumNodes(all, settings));
    const coordinators = (this.#coordinators = new Coordinators(nodes));
    const context = { nodes, coordinators, fences: new Fences(settings.clock) };
    this.#acquirer = new QuorumAcquirer(context);
    this.#renewer = new QuorumRenewer(context, this.#candidacies);
    this.#viewer = new QuorumViewer(nodes);
  }

  get quorum(): QuorumState {
    return this.#nodes.state;
  }

  listen(events: StoreEvents): void {
    this.#events = events;
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    const { key, token, ttl, queue, yields } = command;
    if (capacityIn(token) !== EXCLUSIVE) throw new LockConfigError([NO_PERMITS], [key]);
    await this.#nodes.connected(key);
    this.#nodes.sawLease(ttl);
    const old = yields === undefined ? undefined : this.#find(key, yields);
    const candidacy = new Candidacy(key, token, ttl, this.#coordinators.coordinatorOf(key));
    this.#candidacies.set(token, candidacy);
    try {
      const hasQueue = queue !== undefined && this.#coordinators.queueSeen(key);
      const inTurn = hasQueue && this.#nodes.canElect;
      let reply: AcquireReply;
      if (old !== undefined) reply = await this.#acquirer.yield(candidacy, command, old);
      else if (inTurn) reply = await this.#acquirer.askInTurn(candidacy, command);
      else reply = await this.#acquirer.askAll(candidacy, command);
      if (reply.kind === 'queued') this.#coordinators.sawQueue(key);
      // Else it is released by the caller, who hears what the nodes have answered.
      if (old !== undefined && reply.kind !== 'stale') this.#candidacies.delete(old.token);
      if (reply.kind === 'busy' || reply.kind === 'stale') await this.#abandon(candidacy);
      return reply;
    } catch (error) {
      void this.#abandon(candidacy);
      throw error;
    }
  }

  async poll(command: PollCommand): Promise<PollReply> {
    const candidacy = this.#candidacies.get(command.token);
    if (candidacy === undefined) return { kind: 'gone', sentAt: this.#nodes.clock.now() };
    const reply = await this.#acquirer.poll(candidacy, command);
    if (reply.kind === 'gone') await this.#abandon(candidacy);
    return reply;
  }

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const replies = await this.#renewer.renew(commands);
    for (const [i, { token }] of commands.entries()) {
      const candidacy = this.#candidacies.get(token);
      if (replies[i]?.kind === 'lost' && candidacy?.held === true) void this.#abandon(candidacy);
    }
    return replies;
  }

  async release({ key, token, minHoldLeft }: ReleaseCommand): Promise<ReleaseReply> {
    const candidacy = this.#find(key, token);
    this.#candidacies.delete(token);
    return candidacy.releaseAll(this.#nodes, minHoldLeft);
  }

  async revoke(key: string): Promise<boolean> {
    return this.#viewer.revoke(key);
  }

  async inspect(key: string): Promise<StoredLock | null> {
    return this.#viewer.inspect(key);
  }

  queue(key: string): Promise<readonly StoredPlace[]> {
    return this.#viewer.queue(key);
  }

  keys(match: string): AsyncIterable<readonly string[]> {
    return this.#viewer.keys(match);
  }

  async close(): Promise<void> {
    this.#events = undefined;
    await this.#nodes.close();
  }

  /** That of a token that is given up; of an unknown one, any node may have it. */
  #find(key: string, token: string): Candidacy {
    const known = this.#candidacies.get(token);
    if (known !== undefined) return known;
    return new Candidacy(key, token, 0, this.#coordinators.coordinatorOf(key), this.#nodes.all);
  }

  /** Resolves when the nodes have heard of it, or did not answer. */
  async #abandon(candidacy: Candidacy): Promise<void> {
    this.#candidacies.delete(candidacy.token);
    await candidacy.releaseAll(this.#nodes).catch(() => undefined);
  }

  /** A turn at the coordinator is no lock yet: the waiter is told to ask, and takes the rest then. */
  #granted(node: QuorumNode, grant: Grant): void {
    const { key, token } = grant;
    const candidacy = this.#candidacies.get(token);
    // Of a token that was given up, it goes back.
    if (candidacy === undefined) return new Candidacy(key, token, 0, node, [node]).giveBack([node]);
    // What another node has granted was asked for before its queue was left: it goes back with the rest.
    if (candidacy.held || candidacy.coordinator !== node) return;
    candidacy.turn = grant;
    this.#coordinators.sawQueue(key);
    this.#events?.granted({ ...grant, expiresAt: undefined });
  }

  #wanted(node: QuorumNode, token: string, queue: number): void {
    const candidacy = this.#candidacies.get(token);
    if (candidacy !== undefined && queue > 0) this.#coordinators.sawQueue(candidacy.key);
    // Nobody waits at another node any more: that says nothing.
    if (candidacy?.coordinator === node || queue > 0) this.#events?.wanted(token, queue);
  }

  #revoked(token: string): void {
    const candidacy = this.#candidacies.get(token);
    if (candidacy === undefined) return;
    void this.#abandon(candidacy);
    this.#events?.revoked(token);
  }
}
