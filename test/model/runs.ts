import type { ProtocolSettings } from './protocol-settings.js';
import { explore, type Exploration, type Model } from './explorer.js';
import { ProtocolModel } from './protocol-model.js';
import { QuorumModel, type QuorumSettings } from './quorum-model.js';

/** One thing to look at in full. */
export interface Run {
  readonly name: string;
  readonly model: Model;
}

/** Settings with a rule left out, and how a violation begins that this leads to first. */
type Control<Settings> = Settings & { readonly violates: string };

const THREE = [1, 1, 1];
const READERS = [1, 3, 3];
const PERMITS = [2, 2, 2];

/** Three processes, and what may happen to them. */
const PROTOCOL: Record<string, ProtocolSettings> = {
  'late answers and pushes': { capacities: THREE, tokens: 2, faults: { late: 1 } },
  'a command that is sent again': { capacities: THREE, tokens: 2, faults: { resent: 1 } },
  'a lost answer or push': { capacities: THREE, tokens: 2, faults: { lost: 1 } },
  'a crash, and something late': { capacities: THREE, tokens: 2, faults: { crash: 1, late: 1 } },
  'an abort, and a command sent again': {
    ...{ capacities: THREE, tokens: 2 },
    faults: { abort: 1, resent: 1 },
  },
  'a waiter out of reach, and a crash': {
    ...{ capacities: THREE, tokens: 2 },
    faults: { deaf: 1, crash: 1 },
  },
  'lost data': { capacities: THREE, tokens: 2, faults: { dataLoss: 1 } },
  'a stale replica': { capacities: THREE, tokens: 2, faults: { failover: 1 } },
  'clock steps': { capacities: THREE, tokens: 2, faults: { clockForward: 1, clockBack: 1 } },
  'readers and a writer': { capacities: READERS, tokens: 2, faults: { crash: 1, resent: 1 } },
  permits: { capacities: PERMITS, tokens: 2, faults: { crash: 1, resent: 1 } },
  'hand-over inside processes, and yields': {
    ...{ capacities: [1, 1], tokens: 3, callers: 2 },
    faults: { late: 1 },
  },
  'renewals, late': { capacities: [1, 1], tokens: 2, renews: true, faults: { late: 2 } },
  'renewals, sent again or lost': {
    ...{ capacities: [1, 1], tokens: 2, renews: true },
    faults: { resent: 1, lost: 1 },
  },
};

/** More of everything, for `npm run model`. */
const DEEP: Record<string, ProtocolSettings> = {
  'two late, one sent again': { capacities: THREE, tokens: 2, faults: { late: 2, resent: 1 } },
  'two lost': { capacities: THREE, tokens: 2, faults: { lost: 2 } },
  'sent again, lost, aborted': {
    ...{ capacities: THREE, tokens: 2 },
    faults: { resent: 1, lost: 1, abort: 1 },
  },
  'a crash, a late and a lost one': {
    ...{ capacities: THREE, tokens: 3 },
    faults: { crash: 1, late: 1, lost: 1 },
  },
  'readers, late and lost': { capacities: READERS, tokens: 2, faults: { late: 1, lost: 1 } },
  'permits, late and lost': { capacities: PERMITS, tokens: 2, faults: { late: 1, lost: 1 } },
  'yields, sent again': {
    capacities: [1, 1],
    tokens: 3,
    callers: 2,
    faults: { resent: 1, late: 1 },
  },
  'lost data while commands are sent again': {
    ...{ capacities: THREE, tokens: 2 },
    faults: { dataLoss: 1, resent: 1 },
  },
};

/** Three nodes, two processes with leases of different length. */
const QUORUM: Record<string, QuorumSettings> = {
  'a quorum, late votes': { attempts: 1, late: 1 },
  'a quorum, one restart': { attempts: 1, restarts: 1, silences: 1 },
  'a quorum, a restart under renewal': { attempts: 1, restarts: 1, renews: true },
  'a quorum, a minority lost': { attempts: 1, losses: 1, silences: 1 },
};

const DEEP_QUORUM: Record<string, QuorumSettings> = {
  'a quorum, restart, silence and lateness under renewal': {
    ...{ attempts: 1, restarts: 1, silences: 1, late: 1 },
    renews: true,
  },
  'a quorum, a minority lost, and lateness': { attempts: 1, losses: 1, silences: 1, late: 1 },
  'a quorum, two attempts each': { attempts: 2, restarts: 1, late: 1 },
};

const TWO = [1, 1];

/** Rules left out, each with what it takes to show that. */
const BROKEN: Record<string, Control<ProtocolSettings>> = {
  'starting on a grant of any age': {
    ...{ capacities: TWO, tokens: 2, faults: { late: 2 } },
    broken: { startsOnAnyGrant: true },
    violates: 'I3',
  },
  'taking a late reply for a lock': {
    ...{ capacities: TWO, tokens: 2, faults: { late: 1 } },
    broken: { takesLateReplies: true },
    violates: 'I3',
  },
  'an acquire that does not know its token': {
    ...{ capacities: TWO, tokens: 2, faults: { resent: 1 } },
    broken: { acquireIsNotIdempotent: true },
    violates: 'I9',
  },
  'one token for all attempts': {
    ...{ capacities: TWO, tokens: 1, callers: 2, faults: { resent: 1 } },
    broken: { reusesTokens: true },
    violates: 'I5',
  },
  'matching a grant by its token alone': {
    ...{ capacities: TWO, tokens: 2, faults: { late: 2, resent: 1 } },
    broken: { matchesGrantsByToken: true },
    violates: 'I5',
  },
  'passing on without a lease': {
    ...{ capacities: TWO, tokens: 2, callers: 2, faults: { late: 1 } },
    broken: { passesWithoutLease: true },
    violates: 'I3',
  },
  'a new place before the last': {
    ...{ capacities: THREE, tokens: 2, faults: { clockBack: 1 } },
    broken: { placesBeforeTheLast: true },
    violates: 'I7',
  },
  'a release of whoever holds it': {
    ...{ capacities: TWO, tokens: 2, faults: { late: 1, resent: 1 } },
    broken: { releasesWithoutCompare: true },
    violates: 'I5',
  },
  'fencing numbers by a bare counter': {
    ...{ capacities: TWO, tokens: 2, faults: { dataLoss: 1 } },
    broken: { countsFencesBare: true },
    violates: 'I2',
  },
  'waiting for a push without asking': {
    ...{ capacities: TWO, tokens: 2, faults: { lost: 1 } },
    broken: { neverPolls: true },
    violates: 'no clean end',
  },
  'a reader beside a writer': {
    ...{ capacities: [1, 3], tokens: 2 },
    broken: { ignoresCapacity: true },
    violates: 'I1',
  },
};

const BROKEN_QUORUM: Record<string, Control<QuorumSettings>> = {
  'a restart measured by the lease of the one that asks': {
    ...{ attempts: 1, restarts: 1, silences: 1 },
    broken: { waitsForTheAskersLease: true },
    violates: 'I4',
  },
  'votes right after a restart': {
    ...{ attempts: 1, restarts: 1, silences: 1 },
    broken: { votesAfterRestart: true },
    violates: 'I4',
  },
  'a majority of one': { attempts: 1, broken: { majorityOfOne: true }, violates: 'I2' },
  'numbers that are not written back': {
    attempts: 1,
    broken: { keepsFencesToItself: true },
    violates: 'I2',
  },
  'votes whose lease is over': {
    attempts: 1,
    late: 1,
    broken: { takesLateVotes: true },
    violates: 'I3',
  },
};

/** What must hold; among it, whatever a rule is left out of below, with that rule. */
export const SOUND = [
  ...protocols({ ...PROTOCOL, ...whole(BROKEN, PROTOCOL) }),
  ...quorums({ ...QUORUM, ...whole(BROKEN_QUORUM, QUORUM) }),
];
/** What must hold as well, and takes minutes. */
export const DEEPER = [...protocols(DEEP), ...quorums(DEEP_QUORUM)];
/** What must be caught, and as what. */
export const UNSOUND = [...protocols(BROKEN), ...quorums(BROKEN_QUORUM)].map((run) => ({
  ...run,
  violates: { ...BROKEN, ...BROKEN_QUORUM }[run.name]!.violates,
}));

/** Explores a run, and says in one line what came of it. */
export function look(
  { name, model }: Run,
  maxStates: number,
): Exploration & { readonly line: string } {
  const startedAt = performance.now();
  const found = explore(model, maxStates);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const extent = found.complete ? 'all' : 'the first';
  const outcome = found.violation?.what ?? `${extent} states, nothing found`;
  const line = `${name.padEnd(55)} ${String(found.states).padStart(9)} states ${seconds.padStart(6)} s  ${outcome}`;
  return { ...found, line };
}

function protocols(all: Record<string, ProtocolSettings>): Run[] {
  return Object.entries(all).map(([name, one]) => ({ name, model: new ProtocolModel(one) }));
}

function quorums(all: Record<string, QuorumSettings>): Run[] {
  return Object.entries(all).map(([name, one]) => ({ name, model: new QuorumModel(one) }));
}

/** The same settings with all rules, each once, unless they are among `others`. */
function whole<Settings extends object>(
  broken: Record<string, Control<Settings & { readonly broken?: unknown }>>,
  others: Record<string, Settings>,
): Record<string, Settings> {
  const seen = new Set(Object.values(others).map((one) => JSON.stringify(one)));
  const added: Record<string, Settings> = {};
  for (const [name, { broken: _, violates: __, ...settings }] of Object.entries(broken)) {
    const text = JSON.stringify(settings);
    if (!seen.has(text)) added[`with its rule: ${name}`] = settings as unknown as Settings;
    seen.add(text);
  }
  return added;
}
