import type {
  AcquireCommand,
  AcquireReply,
  LockStore,
  RenewCommand,
  RenewReply,
} from '../../engine/store/lock-store.js';
import type { ServerInfo } from '../client/server-info.js';

/**
 * The store on one of several independent servers: what every store can, and the words that only
 * servers which agree on a lock need. `floor` is the moment, in µs, whose fencing numbers to
 * reserve instead of the server's own, so that all of them issue the same.
 */
export interface NodeStore extends LockStore {
  acquire(command: AcquireCommand, floor?: number): Promise<AcquireReply>;
  renew(commands: readonly RenewCommand[], floor?: number): Promise<readonly RenewReply[]>;
  /** Raises the fence counter to `fence`; `false`: `token` does not hold the lock here. */
  raise(key: string, token: string, fence: number): Promise<boolean>;
  /** Takes the lock from these holders, or ends the rest of a `minHold` (`~`); `false`: none has it any more. */
  revokeFrom(key: string, ...tokens: readonly string[]): Promise<boolean>;
}

/** The connection to such a server. */
export interface NodeLink {
  /** For errors. */
  readonly address: string;
  /** Whether commands can be sent. */
  readonly isReady: boolean;
  /** Who it is; another object for each connection, `undefined` as long as it is not known. */
  readonly server: ServerInfo | undefined;
  /** Tests the connection, once at a time: one on which nothing comes is torn down. */
  probe(): Promise<void>;
}

/** A store together with its connection. */
export interface LinkedStore {
  readonly store: NodeStore;
  readonly link: NodeLink;
}
