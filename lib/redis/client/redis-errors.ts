import { copyOfError } from '../../engine/api/error-cause.js';
import { LockConfigError, LockUnavailableError } from '../../engine/api/errors.js';
import { NotAppliedError, type StoreTrouble } from '../../engine/store/lock-store.js';
import { faultOfMode, memberOfCluster, type ServerInfo, tooOld } from './server-info.js';

/** Refusals that Redis gives before anything was changed. */
const REFUSED =
  /(?:^|[-\s])(OOM|READONLY|LOADING|MISCONF|NOREPLICAS|BUSY|MASTERDOWN|NOAUTH|WRONGPASS|NOPERM|CLUSTERDOWN|TRYAGAIN|MOVED|ASK)\b/;
/**
 * Rights are looked at command by command: inside a script this may come after others have written.
 * Redis 7.0 says it without NOPERM.
 */
const REFUSED_HALFWAY = /NOPERM[^]*\bscript\b|executing the script can't (?:run|access)/;
const NO_LOCK = /(?:^|[-\s])WRONGTYPE\b/;
/** Only a node of a Cluster says so: of keys in several slots, or that it keeps others. */
const ELSEWHERE = /^(CROSSSLOT|MOVED|ASK)\b/;

/** What is known of the connection on which a command failed. */
export interface FailedOn {
  readonly node: string;
  /** Why the client had to retry says more than its limit of one retry. */
  readonly lastError?: Error | undefined;
  readonly server?: ServerInfo | undefined;
  /** It was named as a server that stands alone. */
  readonly alone?: boolean | undefined;
}

/** Gives every failure of a command its typed outcome. */
export function toStoreError(
  key: string,
  error: unknown,
  { node, lastError, server, alone }: FailedOn,
): LockUnavailableError | LockConfigError {
  const retried = error instanceof Error && error.name === 'MaxRetriesPerRequestError';
  const cause = copyOfError(retried ? (lastError ?? new Error('The connection was cut.')) : error);
  const { message } = cause;
  if (cause.name === 'ReplyError') {
    const fault = alone === true ? kindShownBy(message, node, server) : undefined;
    if (fault !== undefined) return new LockConfigError([fault], [key], cause);
    if (NO_LOCK.test(message)) return noLock(key, cause);
    if (REFUSED_HALFWAY.test(message)) {
      const why = 'Redis refused a command inside a script: its user lacks a right.';
      return new LockUnavailableError([key], why, cause, [node]);
    }
    const refused = REFUSED.exec(message)?.[1];
    if (refused !== undefined)
      return new NotAppliedError([key], `Redis refused (${refused}).`, cause, [node]);
    const old = server === undefined ? '' : tooOld(server);
    const why = `Redis answered with an error${old === '' ? '' : `; ${old}`}.`;
    return new LockUnavailableError([key], why, cause, [node]);
  }
  if (isNotSent(cause))
    return new NotAppliedError([key], 'there is no connection to Redis.', cause, [node]);
  return new LockUnavailableError([key], 'the connection to Redis failed.', cause, [node]);
}

/** For a key under which something else is kept. */
export function noLock(key: string, cause?: Error): LockConfigError {
  const problem = `Redis keeps something under lock ${JSON.stringify(key)} that is no lock; use another key or keyPrefix.`;
  return new LockConfigError([problem], [key], cause);
}

/** What a server that was to stand alone shows by an answer: it is of another kind. */
function kindShownBy(
  message: string,
  node: string,
  server: ServerInfo | undefined,
): string | undefined {
  if (ELSEWHERE.test(message)) return memberOfCluster(node);
  return server?.mode === 'sentinel' ? faultOfMode(server, node) : undefined;
}

/** What ioredis says when a command can't be sent, as it stores none for later. */
export function isNotSent({ message }: Error): boolean {
  return message.includes("isn't writeable");
}

/** A connection that may not use its database, told by the client as it connects. */
export function isDatabaseRefused(error: Error & { command?: { name?: string } }): boolean {
  return error.name === 'ReplyError' && error.command?.name === 'select';
}

/** A server that has not loaded the script; nothing ran. */
export function isNoScript(error: unknown): boolean {
  return (
    error instanceof Error && error.name === 'ReplyError' && error.message.startsWith('NOSCRIPT')
  );
}

/** What happened to a batch, as the error of one of its locks. */
export function forKey(key: string, error: unknown): Error {
  if (error instanceof LockConfigError)
    return new LockConfigError(error.problems, [key], error.cause);
  if (!(error instanceof LockUnavailableError)) return copyOfError(error);
  const Type = error instanceof NotAppliedError ? NotAppliedError : LockUnavailableError;
  return new Type([key], error.reason, error.cause, error.nodes);
}

/** What a call that failed tells of its server; `undefined`: not why. */
export function troubleOf(error: unknown): StoreTrouble | undefined {
  if (!(error instanceof LockUnavailableError) || !(error.cause instanceof Error)) return undefined;
  return { nodes: error.nodes, cause: error.cause };
}
