/** From when until when a caller was inside one key and sure of its lock; microseconds of the machine's clock. */
export interface LockedSection {
  readonly name: string;
  /** Its process. */
  readonly pid: number;
  readonly key: string;
  readonly fence: number;
  /** When it called for the lock. */
  readonly asked: number;
  readonly from: number;
  readonly until: number;
  readonly mode?: 'shared';
  readonly permits?: number;
}

/**
 * A time in which a lock may be lost, as the documentation says: from when servers lose data, or leases
 * end early, until every lease has ended that was confirmed before.
 */
export interface Loss {
  readonly from: number;
  readonly until: number;
}

export interface Verdict {
  /** What may never be. */
  readonly breaches: string[];
  /** How many sections began beside others in the time of a loss. */
  excused: number;
  /** The longest time for which two were inside then, in milliseconds. */
  longestExcusedMs: number;
}

/** Looks for sections that ran beside others they do not get along with, or whose numbers do not follow time. */
export function judge(sections: readonly LockedSection[], losses: readonly Loss[]): Verdict {
  const verdict: Verdict = { breaches: [], excused: 0, longestExcusedMs: 0 };
  for (const ofKey of byKey(sections).values()) {
    findCrowds(ofKey, losses, verdict);
    findFallingNumbers(ofKey, verdict);
  }
  return verdict;
}

/**
 * The most sections of each other process that went before a call that had waited for longer, and was the first
 * of its own process; of exclusive sections of one key.
 */
export function mostOvertaken(sections: readonly LockedSection[]): number {
  let most = 0;
  for (const ofKey of byKey(sections.filter(isAlone)).values()) {
    const lastEntry = new Map<number, number>();
    for (const [at, one] of ofKey.entries()) {
      const firstSince = lastEntry.get(one.pid) ?? 0;
      lastEntry.set(one.pid, one.from);
      const overtakers = new Map<number, number>();
      for (let i = at - 1; i >= 0; i -= 1) {
        const other = ofKey[i]!;
        if (other.from < Math.max(one.asked, firstSince)) break;
        if (other.pid === one.pid || other.asked < one.asked) continue;
        overtakers.set(other.pid, (overtakers.get(other.pid) ?? 0) + 1);
      }
      most = Math.max(most, ...overtakers.values());
    }
  }
  return most;
}

/** The longest time in which nobody entered a key, between two that did; milliseconds. */
export function longestPause(sections: readonly LockedSection[]): number {
  let longest = 0;
  for (const ofKey of byKey(sections).values())
    for (const [i, { from }] of ofKey.entries())
      longest = Math.max(longest, from - (ofKey[i - 1]?.from ?? from));
  return longest / 1000;
}

/** The longest wait for a lock that was entered; milliseconds. */
export function longestWait(sections: readonly LockedSection[]): number {
  return sections.reduce((longest, { asked, from }) => Math.max(longest, from - asked), 0) / 1000;
}

/** Each key's sections, in the order in which they began. */
function byKey(sections: readonly LockedSection[]): Map<string, LockedSection[]> {
  const keys = new Map<string, LockedSection[]>();
  for (const section of [...sections].sort((one, other) => one.from - other.from)) {
    const ofKey = keys.get(section.key);
    if (ofKey === undefined) keys.set(section.key, [section]);
    else ofKey.push(section);
  }
  return keys;
}

function findCrowds(
  sections: readonly LockedSection[],
  losses: readonly Loss[],
  verdict: Verdict,
): void {
  let inside: LockedSection[] = [];
  for (const section of sections) {
    inside = inside.filter(({ until }) => until > section.from);
    const together = [...inside, section];
    if (!getAlong(together)) {
      const isExcused = losses.some(
        ({ from, until }) =>
          section.from >= from && getAlong(together.filter((one) => one.until > until)),
      );
      if (isExcused) excuse(inside, section, verdict);
      else verdict.breaches.push(`${JSON.stringify(inside)} overlap ${JSON.stringify(section)}`);
    }
    inside.push(section);
  }
}

function excuse(inside: readonly LockedSection[], section: LockedSection, verdict: Verdict): void {
  const ends = inside.map(({ until }) => Math.min(until, section.until));
  const ms = (Math.max(...ends) - section.from) / 1000;
  verdict.excused += 1;
  verdict.longestExcusedMs = Math.max(verdict.longestExcusedMs, ms);
}

/** Whoever is alone inside has a larger number than all before, and a smaller one than all after. */
function findFallingNumbers(sections: readonly LockedSection[], verdict: Verdict): void {
  let [last, lastAlone]: (LockedSection | undefined)[] = [];
  for (const section of [...sections].sort((one, other) => one.fence - other.fence)) {
    const before = isAlone(section) ? last : lastAlone;
    if (before !== undefined && section.until <= before.from)
      verdict.breaches.push(
        `${JSON.stringify(section)} has a larger number than ${JSON.stringify(before)}`,
      );
    last = latest(last, section);
    if (isAlone(section)) lastAlone = latest(lastAlone, section);
  }
}

function latest(one: LockedSection | undefined, other: LockedSection): LockedSection {
  return one === undefined || other.from > one.from ? other : one;
}

function isAlone({ mode, permits }: LockedSection): boolean {
  return mode === undefined && permits === undefined;
}

function getAlong(sections: readonly LockedSection[]): boolean {
  if (sections.length <= 1) return true;
  if (sections.every(({ mode }) => mode === 'shared')) return true;
  return sections.every(({ permits = 1 }) => sections.length <= permits);
}
