import { seededRandom } from '../support/random.js';

/** Something that happens to a world. */
export interface Fault {
  readonly at: number;
  readonly kind: FaultKind;
  readonly process: number;
  readonly node: number;
  readonly ms: number;
}

const PROCESS_FAULTS = [
  'cut connections',
  'cut pushes',
  'silent network',
  'slow network',
  'short stop',
  'long stop',
  'suspended machine',
  'clock step of a process',
  'killed process',
] as const;
const SERVER_FAULTS = [
  'frozen server',
  'restart without data',
  'FLUSHALL',
  'stale failover',
  'server clock forward',
  'server clock back',
] as const;
const NODE_FAULTS = [
  'frozen server',
  'restart without data',
  'node out of reach',
  'FLUSHALL',
] as const;

const LOSES_DATA: ReadonlySet<FaultKind> = new Set([
  'restart without data',
  'FLUSHALL',
  'stale failover',
]);

const TOGETHER: readonly (readonly FaultKind[])[] = [
  ['restart without data'],
  ['restart without data', 'silent network', 'silent network'],
  ['restart without data', 'node out of reach'],
  ['FLUSHALL', 'slow network', 'killed process'],
];

export type FaultKind =
  (typeof PROCESS_FAULTS)[number] | (typeof SERVER_FAULTS)[number] | (typeof NODE_FAULTS)[number];

/** All that makes a run: the same schedule runs the same way again. */
export interface Schedule {
  readonly seed: number;
  readonly nodes: number;
  readonly processes: number;
  readonly callers: number;
  readonly ttl: number;
  /** The longest lease of a call, as a multiple of the usual one. */
  readonly longest: number;
  /** Whether callers ask again at once, all for one key: then there is always somebody in line. */
  readonly busy: boolean;
  readonly endsAt: number;
  readonly faults: readonly Fault[];
}

/** Nodes of a quorum restart so far apart that what one has forgotten is over before the next. */
const RESTARTS_APART_MS = 4500;

/** The schedule of a seed: one server, or three. */
export function scheduleOf(seed: number, nodes: number): Schedule {
  const random = seededRandom(seed ^ (nodes * 0x9e37));
  const processes = 2 + Math.floor(random() * 2);
  const endsAt = nodes === 1 ? 9000 : 20_000;
  const ttl = nodes === 1 ? 1500 : 1000;
  const longest = nodes > 1 && random() < 0.5 ? 6 : 3;
  const serverFaults: readonly FaultKind[] = nodes === 1 ? SERVER_FAULTS : NODE_FAULTS;
  const kinds: readonly FaultKind[] = [...PROCESS_FAULTS, ...serverFaults, ...serverFaults];
  // Few kinds at a time: what one of them breaks is not excused by another.
  let chosen: readonly FaultKind[] = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
    pick(kinds, random),
  );
  // What takes several in the right order would be rare.
  if (nodes > 1 && random() < 0.6) chosen = pick(TOGETHER, random);
  // Numbers may fall when a clock steps back and the counter is lost as well (docs/guarantees.md, I2).
  if (chosen.includes('server clock back')) chosen = chosen.filter((kind) => !LOSES_DATA.has(kind));
  const faults: Fault[] = [];
  let lastRestart = -Infinity;
  for (let at = 300 + random() * 2000; at < endsAt - 1000; at += 100 + random() ** 2 * 4000) {
    const kind = pick(chosen, random);
    if (nodes > 1 && kind === 'restart without data') {
      if (at - lastRestart < longest * ttl + RESTARTS_APART_MS) continue;
      lastRestart = at;
    }
    const process = Math.floor(random() * processes);
    faults.push({ at, kind, process, node: Math.floor(random() * nodes), ms: random() });
  }
  return {
    seed,
    nodes,
    processes,
    callers: 1 + Math.floor(random() * 3),
    ttl,
    longest,
    busy: nodes === 1 && seed % 4 === 2,
    endsAt,
    faults,
  };
}

function pick<T>(all: readonly T[], random: () => number): T {
  return all[Math.floor(random() * all.length)]!;
}
