import type { LockHealth } from '../engine/store/lock-health.js';

/** How one lock service is, from best to worst. */
export type HealthState = 'up' | 'degraded' | 'down';

/** One lock service, as a health check shows it. */
export interface ServiceHealth {
  readonly name: string;
  readonly state: HealthState;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Names what is wrong with a service. The reason never holds a password: it is an error's own words. */
export function judge(name: string, health: LockHealth): ServiceHealth {
  const { trouble, quorum, waiters } = health;
  const longestWaitMs = Math.round(health.longestWaitMs);
  const reduced = quorum !== undefined && quorum.silent.length > 0;
  const state = trouble !== undefined ? 'down' : reduced ? 'degraded' : 'up';
  const reason = trouble?.message ?? (reduced ? silence(quorum) : undefined);
  return {
    name,
    state,
    facts: {
      reachable: trouble === undefined,
      ...(reason !== undefined && { reason }),
      ...(quorum && { quorum }),
      waiters,
      longestWaitMs,
    },
  };
}

function silence({ nodes, needed, silent }: NonNullable<LockHealth['quorum']>): string {
  return `${silent.length} of ${nodes} Redis nodes do not answer (${silent.join(', ')}); it takes ${needed}.`;
}
