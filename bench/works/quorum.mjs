import { OURS, peers } from '../libraries/index.mjs';
import { crewWork } from './crew-work.mjs';

const ALL = [OURS, ...peers.filter(({ quorum }) => quorum).map(({ name }) => name)];
const NODES = 5;
const LINK_MS = 2;
const ALONE = { kind: 'closedLoop', callers: 1, keys: 10 };

/** Works on five independent servers, for the libraries that know quorums. */
export const quorum = [
  crewWork({
    name: 'quorum-alone',
    title: `5 servers, one caller, free locks, a command is ${LINK_MS} ms on its way`,
    libraries: ALL,
    nodes: NODES,
    linkMs: LINK_MS,
    processes: 1,
    load: ALONE,
  }),
  crewWork({
    name: 'quorum-alone-loopback',
    title: '5 servers, one caller, free locks, on loopback',
    libraries: ALL,
    nodes: NODES,
    processes: 1,
    load: ALONE,
  }),
  contended('quorum-4x4', 'asked for again at once', { holdMs: 0, pauseMs: 0 }),
  contended(
    'quorum-4x4-links',
    `asked for again at once, a command is ${LINK_MS} ms on its way`,
    { holdMs: 0, pauseMs: 0 },
    LINK_MS,
  ),
  contended('quorum-4x4-sections', 'held for 2 ms, pauses of 0 to 10 ms', {
    holdMs: 2,
    pauseMs: 10,
  }),
];

function contended(name, how, times, linkMs = 0) {
  return crewWork({
    name,
    title: `5 servers, one key, 4 processes × 4 callers, ${how}`,
    libraries: ALL,
    nodes: NODES,
    linkMs,
    processes: 4,
    load: { kind: 'closedLoop', callers: 4, keys: 1, ...times },
  });
}
