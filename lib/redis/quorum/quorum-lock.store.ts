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
  StoreListener,
} from '../../engine/store/lock-store.js';
import type { QuorumState } from '../../engine/store/lock-health.js';
import type { StoredLock } from '../../engine/store/stored-lock.js';
import type { ServersListener } from '../servers/push-messages.js';
import type { SingleServer } from '../servers/single-server.js';
import { QuorumAcquirer } from './acquire.js';
import { Candidacies } from './candidacies.js';
import { Coordinators } from './coordinators.js';
import { FenceClock } from './fences.js';
import { QuorumViewer } from './inspect.js';
import { QuorumNode } from './node.js';
import { QuorumNodes } from './nodes.js';
import { QuorumPoller } from './poll.js';
import { QuorumReleaser } from './release-and-yield.js';
import { QuorumRenewer } from './renew.js';

/**
 * Locks that a majority of independent Redis servers holds: Redlock, with a queue. Exclusion rests
 * on the majority alone. The queue is on one node, the coordinator of the key; it brings order, so
 * that waiters do not split the votes between them, and decides nothing.
 */
export class QuorumLockStore implements LockStore {
  readonly #group: QuorumNodes;
  readonly #coordinators: Coordinators;
  readonly #acquirer: QuorumAcquirer;
  readonly #poller: QuorumPoller;
  readonly #releaser: QuorumReleaser;
  readonly #renewer: QuorumRenewer;
  readonly #viewer: QuorumViewer;
  readonly #claims: Candidacies;
  #listener: StoreListener | undefined;

  /** @param open Opens each of the servers, in the order that all processes share. */
  constructor(
    open: readonly ((listener: ServersListener) => SingleServer)[],
    commandTimeout: number,
  ) {
    const nodes = open.map(
      (openServer, index): QuorumNode =>
        new QuorumNode(openServer, commandTimeout, {
          granted: (grant) => this.#granted(nodes[index] as QuorumNode, grant),
          wanted: (token, queue) => this.#wanted(nodes[index] as QuorumNode, token, queue),
          revoked: (token) => this.#revoked(token),
          recheck: (token, inMs) => this.#listener?.recheck(token, inMs),
          doubted: (token, key) => this.#listener?.doubted(token, key),
          reconnected: () => this.#listener?.reconnected(),
          identified: () => this.#group.compare(),
        }),
    );
    const group = (this.#group = new QuorumNodes(nodes, commandTimeout));
    const coordinators = (this.#coordinators = new Coordinators(group));
    this.#claims = new Candidacies(group, coordinators);
    const context = { group, coordinators, fences: new FenceClock() };
    this.#acquirer = new QuorumAcquirer(context);
    this.#poller = new QuorumPoller(context, this.#acquirer);
    this.#releaser = new QuorumReleaser(context, this.#acquirer);
    this.#renewer = new QuorumRenewer(context, this.#claims);
    this.#viewer = new QuorumViewer(group);
  }

  get quorum(): QuorumState {
    return this.#group.state;
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    const { key, token, ttl, queue, yields } = command;
    await this.#group.connected();
    this.#group.check(key);
    const old = yields === undefined ? undefined : this.#claims.take(key, yields);
    const claim = this.#claims.begin(key, token, ttl);
    try {
      const inTurn = queue !== undefined && this.#coordinators.queueSeen(key);
      let reply: AcquireReply;
      if (old !== undefined) reply = await this.#releaser.yield(claim, command, old);
      else if (inTurn) reply = await this.#acquirer.askInTurn(claim, command);
      else reply = await this.#acquirer.askAll(claim, command);
      if (reply.kind === 'stale') this.#claims.keep(old);
      if (reply.kind === 'busy' || reply.kind === 'stale') await this.#claims.abandon(claim);
      return reply;
    } catch (error) {
      this.#claims.keep(old);
      void this.#claims.abandon(claim);
      throw error;
    }
  }

  async poll(command: PollCommand): Promise<PollReply> {
    const claim = this.#claims.get(command.token);
    if (claim === undefined) return { kind: 'gone', sentAt: performance.now() };
    const reply = await this.#poller.poll(claim, command);
    if (reply.kind === 'gone') await this.#claims.abandon(claim);
    return reply;
  }

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const replies = await this.#renewer.renew(commands);
    for (const [i, { token }] of commands.entries()) {
      const claim = this.#claims.get(token);
      if (replies[i]?.kind === 'lost' && claim?.held === true) void this.#claims.abandon(claim);
    }
    return replies;
  }

  async release({ key, token, minHoldLeft }: ReleaseCommand): Promise<ReleaseReply> {
    const claim = this.#claims.take(key, token);
    return this.#releaser.release(claim, minHoldLeft);
  }

  async revoke(key: string): Promise<boolean> {
    return this.#viewer.revoke(key);
  }

  async inspect(key: string): Promise<StoredLock | null> {
    return this.#viewer.inspect(key);
  }

  keys(match: string): AsyncIterable<readonly string[]> {
    return this.#viewer.keys(match);
  }

  async close(): Promise<void> {
    this.#listener = undefined;
    await Promise.all(this.#group.nodes.map((node) => node.close()));
  }

  /** A turn at the coordinator is no lock yet: the waiter is told to ask, and takes the rest then. */
  #granted(node: QuorumNode, grant: Grant): void {
    if (this.#claims.granted(node, grant) === undefined) return;
    this.#coordinators.sawQueue(grant.key);
    this.#listener?.granted({ ...grant, expiresAt: undefined });
  }

  #wanted(node: QuorumNode, token: string, queue: number): void {
    const claim = this.#claims.get(token);
    if (claim !== undefined && queue > 0) this.#coordinators.sawQueue(claim.key);
    // Nobody waits at another node any more: that says nothing.
    if (claim?.coordinator === node || queue > 0) this.#listener?.wanted(token, queue);
  }

  #revoked(token: string): void {
    const claim = this.#claims.get(token);
    // Every node tells it.
    if (claim === undefined) return;
    void this.#claims.abandon(claim);
    this.#listener?.revoked(token);
  }
}
