import { readToken } from './token.js';

/** How long the first in line has to show that it lives where it alone keeps others out, in milliseconds. */
export const SIGN_MS = 1200;

/** A process in the queue of a lock, as its first caller names it. */
export interface WaitingProcess {
  readonly label: string;
  readonly host: string;
  readonly pid: number;
  /** When it came, by the store's wall clock, in milliseconds. */
  readonly since: number;
}

/** A place in the queue: the waiting token, and its ticket. */
export interface StoredPlace {
  readonly token: string;
  /** The store's time in µs when it came. */
  readonly ticket: number;
}

/** Shows a queue to people. */
export function describeQueue(places: readonly StoredPlace[]): WaitingProcess[] {
  return places.flatMap(({ token, ticket }) => {
    const facts = readToken(token);
    if (facts === undefined) return [];
    const { label, host, pid } = facts;
    return [{ label, host, pid, since: Math.round(ticket / 1000) }];
  });
}
