import { ACQUIRED } from '../../lib/redis/scripts/acquire.script.js';
import { MARKER, NOBODY } from '../../lib/redis/scripts/define-script.js';
import { RENEWED } from '../../lib/redis/scripts/renew.script.js';
import { SIGN_UNIT } from '../../lib/redis/scripts/shared.script.js';
import { claimIn, fencesIn, isToken } from '../../lib/engine/store/token.js';
import type { Keyspace } from './keyspace.js';
import { ReferenceLock, type Terms } from './reference-lock.js';

/** One run of a script on a server. */
export interface ScriptRun {
  readonly db: Keyspace;
  /** The server's time, in µs. */
  readonly us: number;
  readonly keys: readonly string[];
  readonly args: readonly string[];
  /** Tells a process; returns whether anybody listens. */
  readonly publish: (channel: string, message: string) => boolean;
}

type Script = (run: ScriptRun) => unknown;

/** The scripts of `lib/redis/scripts` for a single server, by name. */
export const REFERENCE_SCRIPTS: Readonly<Record<string, Script>> = {
  acquire,
  'acquire-set': acquireSet,
  poll,
  renew,
  release,
  move,
  revoke,
  raise,
  inspect,
  queue: ({ db, keys }) =>
    db
      .zrange(keys[2]!)
      .flatMap(([token, ticket]) => [token, String(ticket)])
      .slice(0, 40),
};

function lockOf({ db, us, keys, publish }: ScriptRun, i = 0, channel = ''): ReferenceLock {
  const [lock, queue, alive, holders] = keys.slice(i * 4 + 1, i * 4 + 5) as [
    string,
    string,
    string,
    string,
  ];
  return new ReferenceLock(
    db,
    us,
    { counter: keys[0]!, lock, queue, alive, holders, channel },
    publish,
  );
}

function acquire(run: ScriptRun): unknown {
  const { us, keys, args } = run;
  if (us > Number(args[0])) return [us];
  const locks = (keys.length - 1) / 4;
  const floor = args[locks * 4 + 1] === undefined ? undefined : Number(args[locks * 4 + 1]);
  const asked = Array.from({ length: locks }, (_, i) => {
    const [token, ttl, fences, rest] = args.slice(i * 4 + 1, i * 4 + 5) as [
      string,
      string,
      string,
      string,
    ];
    const [yields, callers, ticket, channel] = rest.split(' ') as [string, string, string, string];
    const lock = lockOf(run, i, channel);
    return { lock, token, ttl: Number(ttl), fences: Number(fences), yields, callers, ticket };
  });
  const isPlain = asked.map(
    ({ lock, token, yields }) =>
      yields.startsWith(NOBODY) &&
      token[27] !== 'C' &&
      !run.db.exists(lock.keys.lock) &&
      !run.db.exists(lock.keys.queue),
  );
  const plain = asked.filter((_, i) => isPlain[i]);
  const count = plain.reduce((sum, { fences }) => sum + fences, 0);
  const last = count > 0 ? plain[0]!.lock.mint(count, floor)[1] : us;
  for (const { lock, token, ttl } of plain) run.db.set(lock.keys.lock, token, ttl);
  const outcomes = asked.map((one, i) => (isPlain[i] ? ACQUIRED.held : acquireOne(one, floor)));
  return [us, last, ...outcomes];
}

/** All or none; what some of them have is given back when another is in the way. */
function acquireSet(run: ScriptRun): unknown {
  const { us, keys, args } = run;
  if (us > Number(args[0])) return [us];
  const ttl = Number(args[1]);
  const all = Array.from({ length: (keys.length - 1) / 4 }, (_, i) => {
    const [token, channel] = args.slice(i * 2 + 2, i * 2 + 4) as [string, string];
    return { token, lock: lockOf(run, i, channel), isMine: false };
  });
  for (const [i, one] of all.entries()) {
    const other = inTheWay(one);
    if (other === undefined) continue;
    for (const { token, lock } of all)
      if (lock.holds(token)) lock.promote(undefined, lock.leave(token));
    return [us, [other[0], i, ...other.slice(1)]];
  }
  const fence = all[0]!.lock.mint(1)[0];
  for (const { token, lock, isMine } of all) {
    if (isMine) lock.prolong(token, ttl);
    else lock.admit(token, ttl, lock.occupants()[0]);
  }
  return [us, [ACQUIRED.held, fence]];
}

function inTheWay(one: {
  readonly token: string;
  readonly lock: ReferenceLock;
  isMine: boolean;
}): (number | string)[] | undefined {
  const { token, lock } = one;
  one.isMine = lock.holds(token);
  if (one.isMine) return undefined;
  let occupants = lock.occupants();
  if (lock.admits(token, occupants)) {
    const waiting = (): number => lock.db.zcard(lock.keys.queue);
    if (waiting() > 0) occupants = lock.promote(undefined, occupants).occupants;
    if (waiting() === 0 && lock.admits(token, occupants)) return undefined;
  }
  const theirs = lock.conflict(token);
  if (theirs !== undefined) return [ACQUIRED.conflict, theirs];
  lock.doubtFirst(token, occupants);
  return [ACQUIRED.busy, lock.leaseLeft(token, occupants), lock.shown(occupants)];
}

interface Asked {
  readonly lock: ReferenceLock;
  readonly token: string;
  readonly ttl: number;
  readonly fences: number;
  readonly yields: string;
  readonly callers: string;
  readonly ticket: string;
}

function acquireOne(asked: Asked, floor: number | undefined): unknown {
  const { lock, token, ttl, fences, yields, callers } = asked;
  const { db, keys } = lock;
  let yielded = -1;
  if (yields !== NOBODY) {
    if (lock.holds(yields)) return yieldTo(asked);
    yielded = 0;
  }
  if (lock.holds(token)) {
    lock.prolong(token, ttl);
    return [ACQUIRED.held, yielded, ...lock.mint(fences, floor), db.zcard(keys.queue)];
  }
  let occupants = lock.occupants();
  if (lock.admits(token, occupants)) {
    if (db.zcard(keys.queue) > 0) {
      const promoted = lock.promote(token, occupants);
      if (promoted.mine !== undefined) return held(lock, yielded, promoted.mine);
      occupants = promoted.occupants;
    }
    if (db.zcard(keys.queue) === 0 && lock.admits(token, occupants)) {
      const block = lock.mint(fences, floor);
      lock.admit(token, ttl, occupants[0]);
      return [ACQUIRED.held, yielded, ...block];
    }
  }
  const theirs = lock.conflict(token);
  if (theirs !== undefined) return [ACQUIRED.conflict, yielded, theirs];
  const pollIn = lock.doubtFirst(token, occupants);
  const left = lock.leaseLeft(token, occupants);
  if (callers === '0') return [ACQUIRED.busy, yielded, left, lock.shown(occupants)];
  const place = enqueue(asked);
  const waiting = db.zcard(keys.queue);
  if (waiting === 1 || (occupants[1] !== undefined && place.isNew))
    lock.tellHolders(`wanted ${waiting}`, occupants);
  return queued(lock, yielded, token, left, place.ticket, lock.shown(occupants), pollIn);
}

function yieldTo(asked: Asked): unknown {
  const { lock, token, yields } = asked;
  lock.db.zrem(lock.keys.alive, yields);
  const left = lock.leave(yields);
  const { ticket } = enqueue(asked);
  const { occupants, mine } = lock.promote(token, left);
  if (mine !== undefined) return held(lock, 1, mine);
  const [value, count] = occupants;
  const isClaim = value !== undefined && count === undefined;
  const leaseLeft = isClaim ? claimIn(value) : lock.leaseLeft(token, occupants);
  return queued(lock, 1, token, leaseLeft, ticket, lock.shown(occupants));
}

/** A place in the queue: an old one is kept, a new one is never before the last. */
function enqueue({ lock, token, callers, ticket }: Asked): { ticket: number; isNew: boolean } {
  const { db, us, keys } = lock;
  const own = ticket === '-' ? undefined : Number(ticket);
  let place = db.zscore(keys.queue, token);
  const isNew = place === undefined;
  if (place === undefined) {
    place = Math.min(own ?? us, us);
    const last = db.zrange(keys.queue).at(-1);
    if (last !== undefined && place === us && last[1] >= place)
      place = Math.min(own ?? Infinity, last[1] + 1);
    db.zadd(keys.queue, place, token);
  }
  lock.keepQueue();
  lock.report(token, Number(callers));
  return { ticket: place, isNew };
}

function held(lock: ReferenceLock, yielded: number, [first, last, claim]: Terms): unknown {
  return [ACQUIRED.held, yielded, first, last, lock.db.zcard(lock.keys.queue), claim];
}

function queued(
  lock: ReferenceLock,
  yielded: number,
  token: string,
  left: number,
  ticket: number,
  shown: string,
  pollIn?: number,
): unknown {
  const rank = lock.db.zrange(lock.keys.queue).findIndex(([other]) => other === token);
  const place = [Math.trunc(left), rank, Math.trunc(ticket), shown];
  return [ACQUIRED.queued, yielded, ...place, ...(pollIn === undefined ? [] : [pollIn])];
}

function poll(run: ScriptRun): unknown {
  const { us, args, db } = run;
  const [token, notAfter, callers, channel] = args as [string, string, string, string];
  if (us > Number(notAfter)) return [us];
  const lock = lockOf(run, 0, channel);
  if (lock.holds(token)) {
    const claim = claimIn(token);
    lock.prolong(token, claim);
    return [us, held(lock, -1, [...lock.mint(fencesIn(token)), claim])];
  }
  const ticket = db.zscore(lock.keys.queue, token);
  if (ticket === undefined) return [us, [ACQUIRED.gone]];
  lock.keepQueue();
  lock.report(token, Number(callers));
  let occupants = lock.occupants();
  if (occupants[0] === undefined || occupants[1] !== undefined) {
    const promoted = lock.promote(token, occupants);
    if (promoted.mine !== undefined) return [us, held(lock, -1, promoted.mine)];
    occupants = promoted.occupants;
  }
  const pollIn = lock.doubtFirst(token, occupants);
  const left = lock.leaseLeft(token, occupants);
  const reply = queued(lock, -1, token, left, ticket, lock.shown(occupants), pollIn);
  const holder = occupants[1] === undefined ? occupants[0] : db.zrange(lock.keys.holders)[0]?.[0];
  if (holder !== undefined && isToken(holder))
    lock.tell(holder, `doubted 0 ${holder} ${lock.keys.lock}`);
  return [us, reply];
}

function renew(run: ScriptRun): unknown {
  const { db, us, keys, args, publish } = run;
  const locks = args.length - (args.length % 2);
  const floor = args[locks] === undefined ? undefined : Number(args[locks]);
  const more = keys.slice(locks + 1);
  const replies: unknown[] = [us];
  for (let i = 0; i < locks; i += 2) {
    const token = args[i]!;
    const [ttl, notAfter, fences, callers] = args[i + 1]!.split(' ').map(Number) as [
      number,
      number,
      number,
      number,
    ];
    const holders = token[27] === 'C' ? more.shift()! : '';
    const alive = callers > 0 ? more.shift()! : '';
    const names = { counter: keys[0]!, lock: keys[i + 1]!, queue: keys[i + 2]!, alive, holders };
    const lock = new ReferenceLock(db, us, { ...names, channel: '' }, publish);
    if (us > notAfter) replies.push(RENEWED.stale);
    else if (!lock.holds(token)) replies.push(RENEWED.lost);
    else {
      lock.prolong(token, ttl);
      if (callers > 0) lock.report(token, callers);
      const waiting = db.zcard(names.queue);
      replies.push(fences > 0 ? [waiting, ...lock.mint(fences, floor)] : waiting);
    }
  }
  return replies;
}

function release(run: ScriptRun): unknown {
  const { args, keys } = run;
  return Array.from({ length: (keys.length - 1) / 4 }, (_, i) => {
    const [token, minHoldLeft, channel] = args.slice(i * 3, i * 3 + 3) as [string, string, string];
    const lock = lockOf(run, i, channel);
    if (!lock.holds(token)) return quit(lock, token);
    if (Number(minHoldLeft) > 0) return keep(lock, token, Number(minHoldLeft));
    lock.promote(undefined, lock.leave(token));
    lock.db.zrem(lock.keys.alive, token);
    return 1;
  });
}

function quit(lock: ReferenceLock, token: string): number {
  const { db, keys, value } = lock;
  const rank = db.zrange(keys.queue).findIndex(([other]) => other === token);
  if (rank < 0) return 0;
  db.zrem(keys.queue, token);
  db.zrem(keys.alive, token);
  if (rank > 0 || value === undefined) return 0;
  let occupants = lock.occupants();
  if (value.startsWith(MARKER)) occupants = lock.promote(undefined, occupants).occupants;
  if (occupants[0] !== undefined) lock.tellHolders(`wanted ${db.zcard(keys.queue)}`, occupants);
  return 0;
}

function keep(lock: ReferenceLock, token: string, ms: number): number {
  const { db, keys, value } = lock;
  let left = ms;
  if (value === token) db.set(keys.lock, NOBODY, ms);
  else {
    db.zrem(keys.holders, token);
    db.zadd(keys.holders, lock.now + ms, NOBODY + token);
    lock.promote(undefined, lock.settle(value));
    left = lock.earliestEnd();
  }
  db.zrem(keys.alive, token);
  const [head] = db.zrange(keys.queue)[0] ?? [];
  if (head !== undefined) lock.tell(head, `recheck ${Math.trunc(left)} ${head} ${keys.lock}`);
  return 1;
}

function move(run: ScriptRun): unknown {
  const { us, args, db } = run;
  const [from, to, ttl, notAfter, stays] = args as [string, string, string, string, string];
  if (us > Number(notAfter)) return [us];
  const lock = lockOf(run);
  const { value, keys } = lock;
  const waiting = db.zcard(keys.queue);
  if (lock.holds(to)) {
    lock.prolong(to, Number(ttl));
    return [us, [ACQUIRED.held, waiting]];
  }
  if (!lock.holds(from)) return [us, [ACQUIRED.gone]];
  const left = value === from ? db.pttl(keys.lock) : db.zscore(keys.holders, from)! - lock.now;
  lock.admit(to, Math.max(Number(ttl), left), value);
  if (stays !== '1') {
    if (value !== from) db.zrem(keys.holders, from);
    db.zrem(keys.alive, from);
  }
  return [us, [ACQUIRED.held, waiting, left]];
}

function revoke(run: ScriptRun): unknown {
  const [channel, ...tokens] = run.args as [string, ...string[]];
  const lock = lockOf(run, 0, channel);
  const { db, keys, value } = lock;
  const isMarker = value?.startsWith(MARKER) === true;
  const ousted = tokens.filter(
    (token) => value === token || (isMarker && db.zrem(keys.holders, token)),
  );
  if (ousted.length === 0) return 0;
  lock.promote(undefined, isMarker ? lock.settle(value) : [undefined, undefined]);
  for (const token of ousted)
    if (!token.startsWith(NOBODY)) lock.tell(token, `revoked 0 ${token} ${keys.lock}`);
  return ousted.length;
}

function raise({ db, keys, args }: ScriptRun): unknown {
  const [lock, counter] = keys as [string, string];
  if (db.get(lock) !== args[0]) return 0;
  if (Number(db.get(counter) ?? 0) < Number(args[1])) db.set(counter, args[1]!);
  return 1;
}

function inspect(run: ScriptRun): unknown {
  const lock = lockOf(run);
  const { db, keys, now } = lock;
  const [value, count] = lock.occupants();
  if (value === undefined) return [];
  const flat = (key: string, from: number): string[] =>
    db
      .zrange(key)
      .filter(([, score]) => score >= from)
      .flatMap(([token, score]) => [token, String(score)]);
  const beside = count === undefined ? [] : flat(keys.holders, now + 1);
  return [value, db.pttl(keys.lock), beside, flat(keys.alive, now * SIGN_UNIT), now];
}
