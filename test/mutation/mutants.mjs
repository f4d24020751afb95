/**
 * Safety rules, each broken in one place; `spec` must fail then.
 *
 * @type {readonly { name: string, file: string, from: string, to: string, spec: string }[]}
 */
export const MUTANTS = [
  {
    name: 'a deadline three times as long',
    file: 'lib/engine/store/lease.ts',
    from: 'sentAt + lease * DRIFT - margin(lease)',
    to: 'sentAt + 3 * lease * DRIFT - margin(lease)',
    spec: 'test/unit/engine/lease.spec.ts',
  },
  {
    name: 'a deadline that is counted from the answer',
    file: 'lib/engine/hold/lease-renewer.ts',
    from: 'hold.confirm(reply.sentAt, ttl, reply.fences)',
    to: 'hold.confirm(this.clock.now(), ttl, reply.fences)',
    spec: 'test/unit/engine/lease-renewer.spec.ts',
  },
  {
    name: 'a reply that is older than its lease counts',
    file: 'lib/engine/store/lease-terms.ts',
    from: 'return deadline > now ?',
    to: 'return deadline > 0 ?',
    spec: 'test/unit/engine/lease.spec.ts',
  },
  {
    name: 'a grant is started on however little of it is left',
    file: 'lib/engine/store/lease.ts',
    from: 'return deadline - now >= entryLease(claim) ?',
    to: 'return deadline - now >= -1e9 ?',
    spec: 'test/unit/engine/lease.spec.ts',
  },
  {
    name: 'an answer from before the machine was suspended counts',
    file: 'lib/engine/hold/lease-renewer.ts',
    from: "if (isOld && reply?.kind === 'held')",
    to: "if (isOld && reply?.kind === 'unknown')",
    spec: 'test/unit/engine/clock-steps.spec.ts',
  },
  {
    name: 'a lock passes on though too little of its lease is left',
    file: 'lib/engine/hold/handoff-policy.ts',
    from: 'left < entryLease(claimOf(next.ttl))',
    to: 'left < -1e9',
    spec: 'test/unit/engine/handoff-policy.spec.ts',
  },
  {
    name: 'a grant that nobody waits for is kept',
    file: 'lib/engine/store/token-routes.ts',
    from: 'if (user === undefined) this.releaser.discard(grant',
    to: 'if (user === null) this.releaser.discard(grant',
    spec: 'test/unit/engine/lock-manager.spec.ts',
  },
  {
    name: 'a majority of one',
    file: 'lib/redis/quorum/arithmetic.ts',
    from: 'return Math.floor(nodes / 2) + 1;',
    to: 'return Math.min(nodes, 1);',
    spec: 'test/unit/redis/quorum/arithmetic.spec.ts',
  },
  {
    name: 'the restart rule off',
    file: 'lib/redis/quorum/arithmetic.ts',
    from: 'return age > lease * (1 + DRIFT_SHARE) + DRIFT_MS;',
    to: 'return age > -lease;',
    spec: 'test/unit/redis/quorum/arithmetic.spec.ts',
  },
  {
    name: 'a release that does not compare',
    file: 'lib/redis/scripts/release.script.ts',
    from: 'local plain = value == ARGV[i * 3 + 1] and',
    to: 'local plain = value and',
    spec: 'test/contract/reference.spec.ts',
  },
  {
    name: 'a command that comes too late acts',
    file: 'lib/redis/scripts/acquire.script.ts',
    from: 'if us > tonumber(ARGV[1]) then return {us} end',
    to: 'if us < 0 then return {us} end',
    spec: 'test/contract/redis-lock.store.spec.ts',
  },
  {
    name: 'fencing numbers that do not rise',
    file: 'lib/redis/scripts/shared.script.ts',
    from: 'if issued >= first then',
    to: 'if issued < 0 then',
    spec: 'test/contract/redis-lock.store.spec.ts',
  },
];
