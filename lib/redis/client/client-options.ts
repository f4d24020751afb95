import type { NatMap } from 'ioredis';

/** How a server is reached from here, as `host:port`, when not under the name that others tell. */
export function applyNatMap(server: string, natMap: NatMap | undefined): string {
  const mapped = typeof natMap === 'function' ? natMap(server) : natMap?.[server];
  return mapped ? `${mapped.host}:${mapped.port}` : server;
}
