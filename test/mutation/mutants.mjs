/**
 * Safety rules, each broken in one place; the tests of `spec`, a file or a folder, must fail then.
 *
 * @typedef {{ name: string, file: string, from: string, to: string, spec: string }} Mutant
 */

// Without what runs the built library in a process of its own.
const UNIT = 'test/unit/engine/(?!lock-handles)';
const QUORUM = 'test/unit/redis/quorum/';
const ON_REDIS = 'test/contract/(redis-lock.store|reference|kinds-model)';

/** @type {readonly (readonly [name: string, file: string, from: string, to: string])[]} */
const ENGINE = [
  // How long a lease can be relied on.
  [
    'a deadline three times as long',
    'store/lease',
    'sentAt + lease * DRIFT - margin(lease)',
    'sentAt + 3 * lease * DRIFT - margin(lease)',
  ],
  [
    'a lease without a margin',
    'store/lease',
    'return Math.min(MARGIN_MS, lease * MARGIN_SHARE);',
    'return 0 * lease;',
  ],
  ['a clock of Redis that runs no faster than ours', 'store/lease', 'DRIFT = 0.99', 'DRIFT = 1'],
  [
    'an unanswered command is never overdue',
    'store/lease',
    'pendingSince !== undefined && now',
    'pendingSince === null && now',
  ],
  [
    'a grant is started on however little of it is left',
    'store/lease',
    'return deadline - now >= entryLease(claim) ?',
    'return deadline - now >= -1e9 ?',
  ],
  [
    'a grant whose end nobody knows counts',
    'store/lease',
    'if (expiresAt === undefined) return undefined;',
    'if (expiresAt === undefined) return now + claim;',
  ],
  [
    'a reply that is older than its lease counts',
    'store/lease-terms',
    'return deadline > now ?',
    'return deadline > 0 ?',
  ],
  [
    'a deadline that is counted from the answer',
    'hold/lease-renewer',
    'hold.confirm(reply.sentAt, ttl, reply.fences)',
    'hold.confirm(this.clock.now(), ttl, reply.fences)',
  ],
  [
    'a lease past its deadline goes on',
    'hold/lease-renewer',
    'if (now + 1 >= hold.deadline) {',
    'if (now + 1 >= Infinity) {',
  ],
  [
    'an answer that Redis has it no longer is not believed',
    'hold/lease-renewer',
    "if (reply.kind === 'lost') {",
    "if (reply.kind === 'lost' && ttl < 0) {",
  ],
  [
    'a renewal that may act after the deadline',
    'hold/lease-renewer',
    'until: until ?? deadline',
    'until: until ?? deadline * 2',
  ],
  [
    'an answer from before the machine was suspended counts',
    'hold/lease-renewer',
    "if (isOld && reply?.kind === 'held')",
    "if (isOld && reply?.kind === 'unknown')",
  ],
  [
    'time in suspend is not taken off a lease',
    'hold/lease-renewer',
    'hold.deadline -= asleep;',
    'hold.deadline -= 0 * asleep;',
  ],
  [
    'a suspend is not noticed',
    'time/clock-skew',
    'return ahead > SUSPECT_MS ? ahead : 0;',
    'return ahead > Infinity ? ahead : 0;',
  ],
  [
    'a renewal shortens a deadline, or moves it back',
    'hold/lease-state',
    'this.deadline = Math.max(before, deadlineOf(sentAt, lease));',
    'this.deadline = deadlineOf(sentAt, lease);',
  ],
  [
    'the older of two answers counts',
    'hold/lease-state',
    'if (sentAt >= this.confirmedAt) {',
    'if (sentAt <= this.confirmedAt) {',
  ],
  ['a lease in trouble is told as sure', 'hold/lease-state', 'if (this.troubled || now', 'if (now'],
  [
    'an old confirmation counts as fresh',
    'hold/lease-state',
    'now - this.confirmedAt > maxAge',
    'now - this.confirmedAt > Infinity + maxAge',
  ],
  // Fencing numbers.
  [
    'a fencing number that is given twice',
    'hold/lease-state',
    'return this.#nextFence++;',
    'return this.#nextFence;',
  ],
  [
    'numbers of a lower block after those of a higher one',
    'hold/lease-state',
    'fences.last >= fences.next && fences.next > this.#lastFence',
    'fences.last >= fences.next',
  ],
  [
    'numbers below those of another key of a set',
    'hold/lease-state',
    'Math.max(this.#nextFence, this.#fenceFloor + 1)',
    'this.#nextFence',
  ],
  [
    'readers are numbered by what was reserved before they came',
    'hold/admission',
    'return this.isShared && this.parts',
    'return !this.isShared && this.parts',
  ],
  [
    'a set whose number is that of its first key',
    'set/lock-set',
    'Math.max(...this.#members.map((member) => member.fencingToken))',
    'this.#members.map((member) => member.fencingToken)[0] ?? 0',
  ],
  // Passing a lock on inside a process.
  [
    'a lock passes on without a number left',
    'hold/handoff-policy',
    'if (hold.fencesLeft === 0) return true;',
    'if (hold.fencesLeft < 0) return true;',
  ],
  [
    'a lock passes on though too little of its lease is left',
    'hold/handoff-policy',
    'left < entryLease(claimOf(next.ttl))',
    'left < -1e9',
  ],
  [
    'a lock passes on without word from Redis',
    'hold/handoff-policy',
    'now - hold.heardAt > FREE_MS;',
    'now - hold.heardAt > Infinity + FREE_MS;',
  ],
  [
    'a lock that others wait for never leaves the process',
    'hold/handoff-policy',
    'return hold.passes >= localHandoffs ||',
    'return hold.passes > Infinity + localHandoffs ||',
  ],
  [
    'a lock passes on before the clocks were looked at',
    'hold/admission',
    "if (via === 'local') this.context",
    "if (via === 'free') this.context",
  ],
  [
    'a lock passes on after a renewal that failed',
    'hold/admission',
    "if (outcome !== 'held' || !isNumbered) return this.#close();",
    'if (!isNumbered) return this.#close();',
  ],
  [
    'a lock passes on to one caller beside another',
    'hold/admission',
    'if (!this.isOpen) break;',
    'if (this.isOpen) break;',
  ],
  [
    'a lock is left held when nobody wants it',
    'hold/admission',
    'if (holders.size === 0) void exit',
    'if (holders.size < 0) void exit',
  ],
  [
    'readers enter before a writer that waits',
    'hold/admission',
    'this.parts.hold.contendedSince === undefined);',
    'true);',
  ],
  [
    'a token on its way out is one that nobody uses',
    'hold/lease-exit',
    'this.context.routes.watch(this.hold.token, LEAVING);',
    'this.context.routes.forget(this.hold.token);',
  ],
  [
    'a release that is owed is repeated without its minHold',
    'store/release-retrier',
    'Math.max(minHoldLeft, owed,',
    'Math.max(minHoldLeft, 0 * owed,',
  ],
  [
    'a release that overtakes another one cuts its minHold',
    'store/release-retrier',
    'if (minHoldLeft > 0) this.#keeping.set(',
    'if (minHoldLeft < 0) this.#keeping.set(',
  ],
  [
    'callers enter by a lock that was lost while its numbers were on their way',
    'hold/admission',
    'if (exit.over) return;\n      const isOther',
    'const isOther',
  ],
  [
    'numbers that are on their way are waited for without end',
    'hold/admission',
    'await atMost(MOMENT_MS, fencesUnderway',
    'await atMost(Infinity, fencesUnderway',
  ],
  [
    'a wait that would end before others ends after them',
    'queue/waiter-list',
    'if (endsAt < this.#lastEnd ||',
    'if (endsAt < -Infinity ||',
  ],
  [
    'who shares a timer is not known any more once the first has left',
    'queue/waiter-list',
    'this.#firstSharing = firstSharingFrom(after);',
    'this.#firstSharing = undefined;',
  ],
  [
    'a re-entry adds nothing to the minHold',
    'hold/caller-lock',
    'Math.max(this.#minHold, this.heldMs + ms)',
    'Math.max(this.#minHold, 0 * ms)',
  ],
  [
    'a lock ends twice',
    'hold/lease-exit',
    'if (this.#over) return;',
    'if (this.#over && ours) return;',
  ],
  ['a lease that ran out is not given back', 'hold/lease-exit', 'if (ours)', 'if (!ours)'],
  [
    'a release after the deadline tells that the lock was held',
    'hold/caller-lock',
    'if (this.#hold.deadline <= now) {',
    'if (this.#hold.deadline <= 0) {',
  ],
  [
    'a lost lock asserts that it is held',
    'hold/caller-lock',
    'if (this.over || this.lostError !== undefined) return 0;',
    'if (this.over) return 0;',
  ],
  [
    'minHold of a caller that has left is forgotten',
    'hold/lease-callers',
    'const kept = Math.max(this.#keptUntil, now + left);',
    'const kept = now + left;',
  ],
  // What comes too late, twice, or for nobody.
  [
    'a grant that nobody waits for is kept',
    'store/token-routes',
    'if (user === undefined) this.releaser.discard(grant',
    'if (user === null) this.releaser.discard(grant',
  ],
  [
    'a lock that a holder does not know is kept',
    'store/token-routes',
    'if (!this.#users.has(token)) this.releaser',
    'if (this.#users.has(token)) this.releaser',
  ],
  [
    'an acquire that was given up keeps what it gets',
    'acquire/attempt',
    'if (gotSomething && !this.context',
    'if (!gotSomething && !this.context',
  ],
  [
    'an answer that is older than a suspend wins',
    'acquire/attempt',
    'if (terms !== undefined && !this.pending.mayBeOver) return',
    'if (terms !== undefined) return',
  ],
  [
    'a lock that an operator took before its answer counts',
    'acquire/pending-command',
    'return this.#isRevoked || suspendedSince',
    'return suspendedSince',
  ],
  [
    'a failed acquire leaves what it may have got',
    'acquire/attempt',
    'if (!(error instanceof NotAppliedError)) this.#discard();',
    'if (error instanceof NotAppliedError) this.#discard();',
  ],
  [
    'a release that failed is not repeated',
    'store/release-retrier',
    'if (until <= now) this.#owed.delete(token);',
    'if (until <= Infinity) this.#owed.delete(token);',
  ],
  [
    'a second release of one token drops the first',
    'store/release-retrier',
    'if (this.#owed.get(token) === owed) this',
    'if (this.#owed.get(token) !== owed) this',
  ],
  [
    'a moved lock counts by an answer from before a suspend',
    'store/lock-mover',
    "(reply.kind === 'held' && isOld)",
    "(reply.kind === 'held' && !reply)",
  ],
  [
    'an attached lock whose lease is over counts',
    'gate/attached-gate',
    'if (terms !== undefined && !this.#isRevoked)',
    'if (terms === undefined)',
  ],
  [
    'a joint step that was given up keeps its locks',
    'gate/joint-attempt',
    "if (reply.kind === 'held') this.#discard();",
    "if (reply.kind !== 'held') this.#discard();",
  ],
  // Who may be inside whom.
  [
    'a call re-enters a lock that was given back',
    'reentry/lock-context',
    'while (live?.lock.over === true)',
    'while (live?.lock.over === null)',
  ],
  [
    'a call re-enters the lock of another service',
    'reentry/lock-context',
    'if (isMeant && owner === this) return lock;',
    'if (isMeant) return lock;',
  ],
  [
    'a call re-enters a lock that is lost',
    'reentry/reentered-lock',
    'if (outer.lostError !== undefined) throw outer.lostError;\n  await',
    'await',
  ],
  [
    'a call re-enters a lock that was lost while it waited',
    'reentry/reentered-lock',
    'if (outer.lostError !== undefined) {',
    'if (outer.lostError === null) {',
  ],
  [
    'a writer re-enters a lock of readers',
    'api/capacity',
    'if (inner >= capacity) return;',
    'if (inner >= 0) return;',
  ],
  [
    'a set is held though one of its locks is lost',
    'set/lock-set',
    'queueMicrotask(() => lost(lostError))',
    'queueMicrotask(() => lostError)',
  ],
  [
    'a set is held though a lease ran out while it was put together',
    'set/set-call',
    'confirmed.every(Boolean) && taken.every(({ remainingMs }) => remainingMs > 0)',
    'confirmed.length > 0',
  ],
].map(([name, file, from, to]) => [name, `lib/engine/${file}.ts`, from, to]);

/** @type {typeof ENGINE} */
const NODES = [
  [
    'a majority of one',
    'arithmetic',
    'return Math.floor(nodes / 2) + 1;',
    'return Math.min(nodes, 1);',
  ],
  [
    'the restart rule off',
    'arithmetic',
    'return age > lease * (1 + DRIFT_SHARE) + DRIFT_MS;',
    'return age > -lease;',
  ],
  [
    'a restart rule without drift',
    'arithmetic',
    'return age > lease * (1 + DRIFT_SHARE) + DRIFT_MS;',
    'return age > lease;',
  ],
  [
    'the restart rule by the lease of the asker',
    'nodes',
    'this.#longestLease = Math.max(this.#longestLease, Math.min(lease, LONGEST_UNKNOWN_LEASE_MS));',
    'this.#longestLease = lease;',
  ],
  [
    'a server votes that is younger than one that has the lease',
    'nodes',
    'if (!isYounger && !this.#restarted.has(node)) return true;',
    'if (!this.#restarted.has(node)) return true;',
  ],
  [
    'a majority that is not known to be missing counts',
    'nodes',
    'if (yes >= this.majority) return true;',
    'if (yes >= this.majority - 1) return true;',
  ],
  [
    'a vote counts that a release may still take',
    'candidacy',
    'if (this.#mayStillRelease(node))',
    'if (node === null)',
  ],
  [
    'the lowest of the fencing blocks counts',
    'arithmetic',
    'block.last > highest.last',
    'block.last < highest.last',
  ],
].map(([name, file, from, to]) => [name, `lib/redis/quorum/${file}.ts`, from, to]);

/** @type {typeof ENGINE} */
const SCRIPTS = [
  [
    'a release that does not compare',
    'release',
    'local plain = value == ARGV[i * 3 + 1] and',
    'local plain = value and',
  ],
  [
    'a release that does not compare where others wait',
    'release',
    'if not holds(token, value) then return quit(token, value) end',
    '',
  ],
  [
    'a release in spite of minHold',
    'release',
    'if minHoldLeft > 0 then return keep',
    'if minHoldLeft < 0 then return keep',
  ],
  [
    'permits whose time is over are not handed on while another runs on',
    'release',
    'promote(nil, nil, settle(value))',
    'settle(value)',
  ],
  [
    'a command that comes too late acts',
    'acquire',
    'if us > tonumber(ARGV[1]) then return {us} end',
    'if us < 0 then return {us} end',
  ],
  [
    'a renewal that comes too late acts',
    'renew',
    'if us > tonumber(notAfter) then',
    'if us < 0 then',
  ],
  [
    'a renewal that does not compare',
    'renew',
    "elseif not holds(token, redis.pcall('GET', lock)) then",
    'elseif us < 0 then',
  ],
  [
    'a question that comes too late acts',
    'poll',
    'if us > tonumber(ARGV[2]) then return {us} end',
    '',
  ],
  [
    'a caller enters before those that wait',
    'acquire',
    'if behind == 0 and admits(token, value, count) then',
    'if admits(token, value, count) then',
  ],
  [
    'a yield of a lock that is held no longer',
    'acquire',
    'if holds(yields, value) then return yieldTo',
    'if value then return yieldTo',
  ],
  [
    'one permit more than there are',
    'holders',
    'and count < tonumber(string.sub(token, 29, 35))',
    'and count <= tonumber(string.sub(token, 29, 35))',
  ],
  [
    'readers beside permits',
    'holders',
    'return count ~= nil and markerOf(token) == value and',
    'return count ~= nil and',
  ],
  [
    'a holder whose lease is over holds a permit',
    'holders',
    "return tonumber(call('ZSCORE', holders, token) or 0) > now",
    "return tonumber(call('ZSCORE', holders, token) or 0) > 0",
  ],
  [
    'a waiter that is dead gets the lock',
    'promote',
    "return tonumber(call('ZSCORE', alive, token) or 0) > now",
    "return tonumber(call('ZSCORE', alive, token) or 0) >= 0",
  ],
  [
    'a set is taken though one of its keys is not free',
    'acquire-set',
    'if behind == 0 and admits(token, value, count) then return end',
    'if true then return end',
  ],
  [
    'a move of a lock that is held by another token',
    'move',
    'if not holds(from, value) then return',
    'if not value then return',
  ],
  ['fencing numbers that do not rise', 'shared', 'if issued >= first then', 'if issued < 0 then'],
].map(([name, file, from, to]) => [name, `lib/redis/scripts/${file}.script.ts`, from, to]);

/** @type {readonly Mutant[]} */
export const MUTANTS = [
  ...ENGINE.map((mutant) => ({ mutant, spec: UNIT })),
  ...NODES.map((mutant) => ({ mutant, spec: QUORUM })),
  ...SCRIPTS.map((mutant) => ({ mutant, spec: ON_REDIS })),
].map(({ mutant: [name, file, from, to], spec }) => ({ name, file, from, to, spec }));
