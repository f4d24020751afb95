import { EXCLUSIVE } from '../../engine/api/capacity.js';
import { LockConfigError } from '../../engine/api/errors.js';
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
import type { QuorumState } from '../../engine/store/lock-health.js';
import type { StoredPlace } from '../../engine/store/lock-queue.js';
import type { StoredLock } from '../../engine/store/stored-lock.js';
import type { LinkedStore } from '../store/node-store.js';
import { capacityIn } from '../../engine/store/token.js';
import { QuorumAcquirer } from './acquire.js';
import { Candidacies } from './candidacies.js';
import { Coordinators } from './coordinators.js';
import { Fences } from './fences.js';
import { QuorumViewer } from './inspect.js';
import { QuorumNode } from './node.js';
import { QuorumNodes, type QuorumSettings } from './nodes.js';
import { QuorumPoller } from './poll.js';
import { QuorumReleaser } from './release-and-yield.js';
import { QuorumRenewer } from './renew.js';

/**
 * Locks that a majority of independent Redis servers holds: Redlock, with a queue. Exclusion rests
 * on the majority alone. The queue is on one node, the coordinator of the key; it brings order, so
 * that waiters do not split the votes between them, and decides nothing.
 */
export class QuorumLockStore implements LockStore {
  readonly #nodes: QuorumNodes;
  readonly #coordinators: Coordinators;
  readonly #acquirer: QuorumAcquirer;
  readonly #poller: QuorumPoller;
  readonly #releaser: QuorumReleaser;
  readonly #renewer: QuorumRenewer;
  readonly #viewer: QuorumViewer;
  readonly #candidacies: Candidacies;
  #listener: StoreEvents | undefined;

  /** @param linked One store for each of the servers, in the order that all processes share. */
  constructor(linked: readonly LinkedStore[], settings: QuorumSettings) {
    const all = linked.map(
      (one, i): QuorumNode =>
        new QuorumNode(one, settings, {
          granted: (grant) => this.#granted(all[i] as QuorumNode, grant),
          wanted: (token, queue) => this.#wanted(all[i] as QuorumNode, token, queue),
          revoked: (token) => this.#revoked(token),
          recheck: (token, inMs) => this.#listener?.recheck(token, inMs),
          doubted: (token, key) => this.#listener?.doubted(token, key),
          reconnected: () => this.#listener?.reconnected(),
          troubled: (trouble) => this.#listener?.troubled?.(trouble),
          identified: () => this.#nodes.compare(),
        }),
    );
    const nodes = (this.#nodes = new QuorumNodes(all, settings));
    const coordinators = (this.#coordinators = new Coordinators(nodes));
    this.#candidacies = new Candidacies(nodes, coordinators);
    const context = { nodes, coordinators, fences: new Fences(settings.clock) };
    this.#acquirer = new QuorumAcquirer(context);
    this.#poller = new QuorumPoller(context, this.#acquirer);
    this.#releaser = new QuorumReleaser(context, this.#acquirer);
    this.#renewer = new QuorumRenewer(context, this.#candidacies);
    this.#viewer = new QuorumViewer(nodes);
  }

  get quorum(): QuorumState {
    return this.#nodes.state;
  }

  listen(listener: StoreEvents): void {
    this.#listener = listener;
  }

  async acquire(command: AcquireCommand): Promise<AcquireReply> {
    const { key, token, ttl, queue, yields } = command;
    if (capacityIn(token) !== EXCLUSIVE) throw refusal(key);
    await this.#nodes.connected();
    this.#nodes.check(key);
    this.#nodes.sawLease(ttl);
    const old = yields === undefined ? undefined : this.#candidacies.take(key, yields);
    const candidacy = this.#candidacies.begin(key, token, ttl);
    try {
      const inTurn = queue !== undefined && this.#coordinators.queueSeen(key);
      let reply: AcquireReply;
      if (old !== undefined) reply = await this.#releaser.yield(candidacy, command, old);
      else if (inTurn) reply = await this.#acquirer.askInTurn(candidacy, command);
      else reply = await this.#acquirer.askAll(candidacy, command);
      if (reply.kind === 'stale') this.#candidacies.keep(old);
      if (reply.kind === 'busy' || reply.kind === 'stale')
        await this.#candidacies.abandon(candidacy);
      return reply;
    } catch (error) {
      this.#candidacies.keep(old);
      void this.#candidacies.abandon(candidacy);
      throw error;
    }
  }

  async poll(command: PollCommand): Promise<PollReply> {
    const candidacy = this.#candidacies.get(command.token);
    if (candidacy === undefined) return { kind: 'gone', sentAt: this.#nodes.clock.now() };
    const reply = await this.#poller.poll(candidacy, command);
    if (reply.kind === 'gone') await this.#candidacies.abandon(candidacy);
    return reply;
  }

  async renew(commands: readonly RenewCommand[]): Promise<readonly RenewReply[]> {
    const replies = await this.#renewer.renew(commands);
    for (const [i, { token }] of commands.entries()) {
      const candidacy = this.#candidacies.get(token);
      if (replies[i]?.kind === 'lost' && candidacy?.held === true)
        void this.#candidacies.abandon(candidacy);
    }
    return replies;
  }

  async release({ key, token, minHoldLeft }: ReleaseCommand): Promise<ReleaseReply> {
    const candidacy = this.#candidacies.take(key, token);
    return this.#releaser.release(candidacy, minHoldLeft);
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
    this.#listener = undefined;
    await Promise.all(this.#nodes.all.map((node) => node.close()));
  }

  /** A turn at the coordinator is no lock yet: the waiter is told to ask, and takes the rest then. */
  #granted(node: QuorumNode, grant: Grant): void {
    if (this.#candidacies.granted(node, grant) === undefined) return;
    this.#coordinators.sawQueue(grant.key);
    this.#listener?.granted({ ...grant, expiresAt: undefined });
  }

  #wanted(node: QuorumNode, token: string, queue: number): void {
    const candidacy = this.#candidacies.get(token);
    if (candidacy !== undefined && queue > 0) this.#coordinators.sawQueue(candidacy.key);
    // Nobody waits at another node any more: that says nothing.
    if (candidacy?.coordinator === node || queue > 0) this.#listener?.wanted(token, queue);
  }

  #revoked(token: string): void {
    const candidacy = this.#candidacies.get(token);
    // Every node tells it.
    if (candidacy === undefined) return;
    void this.#candidacies.abandon(candidacy);
    this.#listener?.revoked(token);
  }
}

/** Permits can't be counted where each node knows of other holders. */
function refusal(key: string): LockConfigError {
  const problem =
    "mode: 'shared' and permits above 1 are not available on a quorum (several independent servers); " +
    'use one server, Sentinel or a Cluster for them.';
  return new LockConfigError([problem], [key]);
}
