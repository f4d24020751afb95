import {
  multiSemaphore,
  oursPermits,
  oursShared,
  oursTwoKeys,
  semaphore,
} from '../libraries/kinds.mjs';
import { OURS } from '../libraries/index.mjs';
import { crewWork } from './crew-work.mjs';

const sections = { kind: 'closedLoop', callers: 16, keys: 1, holdMs: 2 };

/** Kinds of lock beside the exclusive one in the same round. */
export const kinds = [
  crewWork({
    name: 'readers-4x16',
    title: 'one key, 4 processes × 16 callers, held for 2 ms: shared, and exclusive',
    libraries: [oursShared.name, OURS],
    processes: 4,
    beside: true,
    load: sections,
  }),
  crewWork({
    name: 'permits-4x16',
    title: 'one key, 4 processes × 16 callers, held for 2 ms: 5 permits, and exclusive',
    libraries: [oursPermits.name, OURS, semaphore.name, multiSemaphore.name],
    processes: 4,
    beside: true,
    load: sections,
  }),
  crewWork({
    name: 'two-keys',
    title: 'one caller, free locks: two keys of one slot at once, and one',
    libraries: [oursTwoKeys.name, OURS],
    processes: 1,
    load: { kind: 'closedLoop', callers: 1, keys: 10 },
  }),
];
