import { AsyncLocalStorage } from 'node:async_hooks';
import type { ReentrantLock } from './reentrant-lock.js';

/** A place in the nesting of sections; `outer` is the section around it. */
export interface Frame {
  readonly lock: ReentrantLock;
  /** Whose lock it is: that of one service. */
  readonly owner: object;
  outer: Frame | undefined;
}

/** What all code that a section or a routed call starts has in common. */
interface AsyncPlace {
  /** The innermost section of all services. */
  readonly frame: Frame | undefined;
  /** The call that Nest routed, until its method has been found. */
  readonly call: object | undefined;
}

/** One for everything: on Node 20 each one in use makes every promise of the process dearer. */
const places = new AsyncLocalStorage<AsyncPlace>();

/** The innermost section around the running code. */
export function frameHere(): Frame | undefined {
  return places.getStore()?.frame;
}

/** The routed call that the running code belongs to. */
export function callHere(): object | undefined {
  return places.getStore()?.call;
}

/** Runs `task` inside a section, or inside none. */
export function runInFrame<T>(frame: Frame | undefined, task: () => T): T {
  return places.run({ frame, call: callHere() }, task);
}

const NOWHERE: AsyncPlace = { frame: undefined, call: undefined };

/**
 * Runs what listens: inside no section and no routed call. Whoever happens to tell it may hold locks, which it
 * must not re-enter.
 */
export function runApart(task: () => void): void {
  if (places.getStore() === undefined) task();
  else places.run(NOWHERE, task);
}

/** Runs `task` as part of a routed call, or of none. */
export function runInCall<T>(call: object | undefined, task: () => T): T {
  return places.run({ frame: frameHere(), call }, task);
}
