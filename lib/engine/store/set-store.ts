/** What a store can do with several locks in one step. */
export interface SetStore {
  /** @throws {LockConfigError} These can't be locked together. */
  check(keys: readonly string[]): void;
  /**
   * Takes all of these locks, each as if it were asked for alone, or changes nothing: unless all are free,
   * or have room, and nobody waits for any. Idempotent for its tokens. Rejects as `LockStore` does.
   */
  acquire(command: SetCommand): Promise<SetReply>;
}

export interface SetCommand {
  /** Each key once, with a token of its own. */
  readonly locks: readonly { readonly key: string; readonly token: string }[];
  readonly ttl: number;
  /** After this moment the command must not act. */
  readonly until: number;
}

/** `sentAt` is read before the command is handed to the network. */
export type SetReply = { readonly sentAt: number } & (
  SetGrant | ({ readonly kind: 'busy' } & BusyMember) | { readonly kind: 'stale' }
);

/** All are taken; one fencing number serves for all of them. */
export interface SetGrant {
  readonly kind: 'held';
  readonly fence: number;
}

/** The first of the locks that somebody else holds, or waits for. */
export interface BusyMember {
  readonly key: string;
  readonly leaseLeft: number;
  /** As in a busy lock's reply. */
  readonly holder?: string | undefined;
}
