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
  StoredLock,
} from '../engine/lock-store.js';
import { Contention } from './contention.js';
import { FenceClock } from './fence-clock.js';
import type { ServersListener } from './lock-servers.js';
import { QuorumAcquirer } from './quorum-acquirer.js';
import { QuorumClaim } from './quorum-claim.js';
import { QuorumGroup } from './quorum-group.js';
import { QuorumNode } from './quorum-node.js';
import { QuorumPoller } from './quorum-poller.js';
import { QuorumReleaser } from './quorum-releaser.js';
import { QuorumRenewer } from './quorum-renewer.js';
import { QuorumViewer } from './quorum-viewer.js';
import { QuorumYielder } from './quorum-yielder.js';
import type { SingleServer } from './single-server.js';

/**
 * Locks that a majority of independent Redis servers holds: Redlock, with a queue. Exclusion rests
 * on the majority alone. The queue is on one node, the coordinator of the key; it brings order, so
 * that waiters do not split the votes between them, and decides nothing.
 */
export class QuorumLockStore implements LockStore {
  readonly #group: QuorumGroup;
  readonly #contention: Contention;
  readonly #acquirer: QuorumAcquirer;
  readonly #poller: QuorumPoller;
  readonly #releaser: QuorumReleaser;
  readonly #renewer: QuorumRenewer;
  readonly #yielder: QuorumYielder;
  readonly #viewer: QuorumViewer;
  /** Tokens that wait or hold. */
  readonly #claims = new Map<string, QuorumClaim>();
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
          wanted: (token, queue) => this.#wanted(token, queue),
          revoked: (token) => this.#revoked(token),
          recheck: (token, inMs) => this.#listener?.recheck(token, inMs),
          doubted: (token, key) => this.#listener?.doubted(token, key),
          reconnected: () => this.#listener?.reconnected(),
          identified: () => this.#group.compare(),
        }),
    );
    const group = (this.#group = new QuorumGroup(nodes, commandTimeout));
    const contention = (this.#contention = new Contention(group));
    const context = { group, contention, fences: new FenceClock() };
    this.#acquirer = new QuorumAcquirer(context);
    this.#poller = new QuorumPoller(context, this.#acquirer);
    this.#releaser = new QuorumReleaser(context);
    this.#renewer = new QuorumRenewer(context);
    this.#yielder = new QuorumYielder(context, this.#acquirer, this.#releaser);
    this.#viewer = new QuorumViewer(group);
  }

  listen(listener: StoreListener): void {
    this.#listener = listener;
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    const { key, token, ttl, queue, yields } = command;
    await this.#group.connected();
    this.#group.check(key);
    const claim = new QuorumClaim(key, token, ttl);
    const old = yields === undefined ? undefined : this.#takeClaim(key, yields);
    this.#claims.set(token, claim);
    try {
      claim.coordinator = this.#contention.coordinatorOf(key, ttl);
      const inTurn = queue !== undefined && this.#contention.isContended(key);
      let reply: AcquireReply;
      if (old !== undefined) reply = await this.#yielder.yield(claim, command, old);
      else if (inTurn) reply = await this.#acquirer.askInTurn(claim, command);
      else reply = await this.#acquirer.askAll(claim, command);
      if (reply.kind === 'stale') this.#keep(old);
      if (reply.kind === 'busy' || reply.kind === 'stale') await this.#abandon(claim);
      return reply;
    } catch (error) {
      this.#keep(old);
      void this.#abandon(claim);
      throw error;
    }
  }

  async poll(command: PollCommand): Promise<PollReply> {
    const claim = this.#claims.get(command.token);
    if (claim === undefined) return { kind: 'gone', sentAt: performance.now() };
    const reply = await this.#poller.poll(claim, command);
    if (reply.kind === 'gone') await this.#abandon(claim);
    return reply;
  }

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const replies = await this.#renewer.renew(commands);
    for (const [i, { token }] of commands.entries()) {
      const claim = this.#claims.get(token);
      if (replies[i]?.kind === 'lost' && claim?.held === true) void this.#abandon(claim);
    }
    return replies;
  }

  async release({ key, token, dwell }: ReleaseCommand): Promise<ReleaseReply> {
    const claim = this.#takeClaim(key, token);
    return this.#releaser.release(claim, dwell);
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

  /** The claim of a token that is given up; of an unknown one, any node may have it. */
  #takeClaim(key: string, token: string): QuorumClaim {
    const known = this.#claims.get(token);
    this.#claims.delete(token);
    if (known !== undefined) return known;
    const claim = new QuorumClaim(key, token, 0, this.#group.nodes);
    claim.coordinator = this.#contention.coordinatorOf(key, 0);
    return claim;
  }

  /** It was not given up in one step: the caller releases it, and hears what the nodes have answered. */
  #keep(old: QuorumClaim | undefined): void {
    if (old !== undefined) this.#claims.set(old.token, old);
  }

  async #abandon(claim: QuorumClaim): Promise<void> {
    this.#claims.delete(claim.token);
    await claim.giveBack(this.#group.nodes);
  }

  #granted(node: QuorumNode, grant: Grant): void {
    const claim = this.#claims.get(grant.token);
    if (claim !== undefined && claim.coordinator !== node) {
      // A place that was given back. Who holds the lock has one vote more.
      if (!claim.held) void claim.giveBack([node]);
      return;
    }
    if (claim !== undefined) claim.grant = grant;
    this.#contention.met(grant.key);
    this.#listener?.granted({ ...grant, expiresAt: undefined });
  }

  #wanted(token: string, queue: number): void {
    const claim = this.#claims.get(token);
    if (claim !== undefined) this.#contention.met(claim.key);
    this.#listener?.wanted(token, queue);
  }

  #revoked(token: string): void {
    const claim = this.#claims.get(token);
    // Every node tells it.
    if (claim === undefined) return;
    void this.#abandon(claim);
    this.#listener?.revoked(token);
  }
}
