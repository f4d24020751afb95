import { seededRandom } from '../support/random.js';

const COMMANDS = ['acquire', 'renew', 'release', 'poll'] as const;

/** Something that happens to a world. */
export interface Fault {
  readonly at: number;
  /** It strikes when the process has sent such a command to the node, which is not answered yet. */
  readonly upon?: (typeof COMMANDS)[number];
  readonly kind: FaultKind;
  readonly process: number;
  readonly node: number;
  /** Between 0 and 1: how long, how far. */
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
  /** Whether all callers want one key. */
  readonly oneKey: boolean;
  /** The longest time between two calls of a caller; a short one keeps somebody in line. */
  readonly pause: number;
  /** How many of the calls take one try. */
  readonly tries: number;
  /** How many of the sections last for several leases. */
  readonly long: number;
  readonly endsAt: number;
  readonly faults: readonly Fault[];
}

/** Nodes of a quorum restart so far apart that what one has forgotten is over before the next. */
export const RESTARTS_APART_MS = 4500;

type Random = () => number;

/** What kind of trouble a schedule is made for. */
export type Family = keyof typeof OF_SERVER | keyof typeof OF_QUORUM;

/**
 * The schedule of a seed: with every third one a quorum, else one server.
 *
 * @param family @default one that the seed chooses
 */
export function scheduleOf(seed: number, family?: Family): Schedule {
  const random = seededRandom(seed);
  const isQuorum = family === undefined ? seed % 3 === 2 : family in OF_QUORUM;
  const all: Readonly<Record<string, Maker>> = isQuorum ? OF_QUORUM : OF_SERVER;
  const chosen = pick(isQuorum ? QUORUM_SHARES : SERVER_SHARES, random);
  return all[family ?? chosen]!(crowdOf(seed, isQuorum ? 3 : 1, random), random);
}

/** One server, and few kinds of faults at a time: what one of them breaks is not excused by another. */
function anyOfServer(crowd: Crowd, random: Random): Schedule {
  const base = { ...crowd, endsAt: 6000 };
  let kinds = pickSome([...PROCESS_FAULTS, ...SERVER_FAULTS, ...SERVER_FAULTS], random);
  // Numbers may fall when a clock steps back and the counter is lost as well (docs/guarantees.md, I2).
  if (kinds.includes('server clock back')) kinds = kinds.filter((kind) => !LOSES_DATA.has(kind));
  return { ...base, faults: faultsOf(base, kinds, 2500, random) };
}

/** Many stand in line, while time or the order of the line goes wrong. */
function stands(crowd: Crowd, random: Random): Schedule {
  const base = { ...crowd, endsAt: 5000, oneKey: true, pause: 4 };
  const kinds = ['server clock back', 'server clock forward', 'stale failover'] as const;
  const kind = pick(kinds, random);
  return { ...base, faults: faultsOf(base, [kind], 2500, random) };
}

/** A machine sleeps while something is under way, and finds no network when it wakes. */
function wakes(crowd: Crowd, random: Random): Schedule {
  const base = { ...crowd, endsAt: 9000, long: 0.4 };
  const at = 300 + random() * 1500;
  const process = Math.floor(random() * base.processes);
  const sleep = { kind: 'suspended machine', process, node: 0 } as const;
  const faults = [at, at + 4000].map((from) => ({
    ...{ ...sleep, at: from, upon: pick(COMMANDS, random), ms: random() },
  }));
  return { ...base, faults };
}

/** Three servers, and any faults. */
function anyOfQuorum(crowd: Crowd, random: Random): Schedule {
  const base = { ...crowd, endsAt: 8000 };
  const kinds = pickSome([...PROCESS_FAULTS, ...NODE_FAULTS, ...NODE_FAULTS], random);
  // What takes several in the right order would be rare.
  const chosen = random() < 0.5 ? pick(TOGETHER, random) : kinds;
  return { ...base, faults: faultsOf(base, chosen, 3000, random) };
}

/** All lose everything, numbers as well, while the first answers of one process were slow and another one is new. */
function forgetsAll(crowd: Crowd, random: Random): Schedule {
  const base = { ...crowd, endsAt: 5000, callers: 1, oneKey: true, pause: 100 };
  const [slow, process] = pickTwo(base.processes, random);
  const faults: Fault[] = [0, 1, 2].map((node) => ({
    ...{ at: 0, kind: 'slow network', process: slow, node, ms: 0.05 + random() * 0.2 },
  }));
  for (let at = 1000; at < base.endsAt; at += 200 + random() * 300) {
    faults.push({ at: at - random() * 30, kind: 'killed process', process, node: 0, ms: 0 });
    faults.push({ at, kind: 'FLUSHALL', process, node: 0, ms: 0 });
  }
  return { ...base, faults };
}

/** One process reaches a node that the others don't, and another node forgets the votes that it gave them. */
function forgets(crowd: Crowd, random: Random): Schedule {
  const isTried = random() < 0.5;
  const often = isTried ? { tries: 1, endsAt: 4000 } : { tries: 0.3, endsAt: 6000 };
  const base = { ...crowd, ...often, longest: 6, long: 0.8, oneKey: true };
  const [apart, forgetful] = pickTwo(base.nodes, random);
  const process = Math.floor(random() * base.processes);
  const restart = { process, kind: 'restart without data', node: forgetful, ms: 0 } as const;
  const at = 600 + random() * 1500;
  const faults: Fault[] = [isTried ? { ...restart, at, upon: 'acquire' } : { ...restart, at }];
  const others = [0, 1, 2].filter((one) => one < base.processes && one !== process);
  for (let when = 0; when < base.endsAt; when += 1000)
    for (const other of others)
      faults.push({ at: when, kind: 'silent network', process: other, node: apart, ms: 0.7 });
  return { ...base, faults };
}

/** Nodes restart in turn, a majority is always there. */
function restarts(crowd: Crowd, random: Random): Schedule {
  const base = { ...crowd, endsAt: 14_000, longest: 3, long: 0.2 };
  return { ...base, faults: faultsOf(base, ['restart without data'], 3000, random) };
}

type Crowd = Omit<Schedule, 'faults' | 'endsAt'>;
type Maker = (crowd: Crowd, random: Random) => Schedule;

const OF_SERVER = { anyOfServer, stands, wakes } as const;
const OF_QUORUM = { anyOfQuorum, forgetsAll, forgets, restarts } as const;
const SERVER_SHARES = ['anyOfServer', 'anyOfServer', 'stands', 'wakes'] as const;
const QUORUM_SHARES = [
  ...(['anyOfQuorum', 'forgetsAll', 'forgets'] as const),
  ...(['forgets', 'forgets', 'restarts'] as const),
];

function crowdOf(seed: number, nodes: number, random: Random): Crowd {
  return {
    ...{ seed, nodes, processes: 2 + Math.floor(random() * 2) },
    ...{ callers: 1 + Math.floor(random() * 3), ttl: nodes === 1 ? 1500 : 1000 },
    ...{ longest: nodes > 1 && random() < 0.5 ? 6 : 3, long: 0.06 },
    ...{ oneKey: false, pause: 400, tries: 0.15 },
  };
}

/** Half of them strike whoever waits for an answer. */
function faultsOf(
  { processes, nodes, endsAt }: Omit<Schedule, 'faults'>,
  kinds: readonly FaultKind[],
  apart: number,
  random: Random,
): readonly Fault[] {
  const faults: Fault[] = [];
  for (let at = 300 + random() * 1500; at < endsAt - 800; at += 100 + random() ** 2 * apart) {
    const [process, node] = [Math.floor(random() * processes), Math.floor(random() * nodes)];
    const when = random() < 0.5 ? { at } : { at, upon: pick(COMMANDS, random) };
    faults.push({ ...when, kind: pick(kinds, random), process, node, ms: random() });
  }
  return faults;
}

function pick<T>(all: readonly T[], random: Random): T {
  return all[Math.floor(random() * all.length)]!;
}

function pickSome<T>(all: readonly T[], random: Random): readonly T[] {
  return Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(all, random));
}

function pickTwo(of: number, random: Random): readonly [number, number] {
  const first = Math.floor(random() * of);
  return [first, (first + 1 + Math.floor(random() * (of - 1))) % of];
}
