import { closing } from '../after-test.js';
import type { RedisServer } from '../redis-server.js';
import { TcpProxy } from '../tcp-proxy.js';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** A way of its own to each of several servers, which others name by their true addresses. */
export async function linkThrough(servers: readonly RedisServer[]): Promise<{
  readonly proxies: readonly TcpProxy[];
  readonly nodes: readonly Address[];
  readonly natMap: Readonly<Record<string, Address>>;
}> {
  const proxies = await Promise.all(
    servers.map(async ({ port }) => closing(await TcpProxy.start(port))),
  );
  const nodes = proxies.map(({ port }) => ({ host: '127.0.0.1', port }));
  const pairs = servers.map(({ port }, i) => [`127.0.0.1:${port}`, nodes[i]!] as const);
  return { proxies, nodes, natMap: Object.fromEntries(pairs) };
}
