import { OURS, RAW, RING, peers } from '../libraries/index.mjs';
import { crewWork } from './crew-work.mjs';

const PEERS = peers.map(({ name }) => name);
const ALL = [OURS, ...PEERS];
const closed = (callers, more = {}) => ({ kind: 'closedLoop', callers, keys: 1, ...more });

/** Works on one server whose callers are processes' own. */
export const contended = [
  crewWork({
    name: 'uncontended',
    title: 'one caller, free locks',
    libraries: [RAW, ...ALL],
    processes: 1,
    load: { kind: 'closedLoop', callers: 1, keys: 10 },
  }),
  crewWork({
    name: 'parallel-64',
    title: '64 callers, a key each',
    libraries: [RAW, ...ALL],
    processes: 1,
    load: { kind: 'closedLoop', callers: 64, keys: 64 },
  }),
  crewWork({
    name: 'hot-1x64',
    title: 'one key, 1 process × 64 callers',
    libraries: ALL,
    processes: 1,
    load: closed(64),
  }),
  crewWork({
    name: 'hot-8x8',
    title: 'one key, 8 processes × 8 callers',
    libraries: ALL,
    processes: 8,
    load: closed(8),
  }),
  crewWork({
    name: 'hot-8x1',
    title: 'one key, 8 processes × 1 caller',
    libraries: [RING, ...ALL],
    processes: 8,
    load: closed(1),
  }),
  crewWork({
    name: 'sections-8x8',
    title: 'one key, 8 processes × 8 callers, held for 2 ms',
    libraries: [RING, ...ALL],
    processes: 8,
    load: closed(8, { holdMs: 2 }),
  }),
  crewWork({
    name: 'hot-4x16',
    title: 'one key, 4 processes × 16 callers',
    libraries: [OURS],
    processes: 4,
    load: closed(16),
  }),
  crewWork({
    name: 'hot-4x250',
    title: 'one key, 4 processes × 250 callers',
    libraries: ALL,
    processes: 4,
    load: closed(250),
  }),
  crewWork({
    name: 'burst-4x50',
    title: '200 requests at once from 4 processes, each held for 2 ms',
    libraries: ALL,
    processes: 4,
    times: 3,
    load: { kind: 'burst', callers: 50, holdMs: 2 },
  }),
  crewWork({
    name: 'arrivals',
    title: 'requests that arrive on their own at 4 processes, 250 a second, each held for 2 ms',
    libraries: ALL,
    processes: 4,
    drainMs: 1000,
    load: { kind: 'arrivals', callers: 100_000, perSecond: 62.5, holdMs: 2 },
  }),
];
