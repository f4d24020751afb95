import { isClient, isCluster, single } from './connection.js';

const FORMS =
  'a redis://, rediss:// or unix path URL, ioredis options, { cluster: nodes, options }, or an ioredis client';

/** What is wrong with `connection`, one sentence each; never shows a password. */
export function checkConnection(connection: unknown): string[] {
  if (connection === undefined || connection === null || connection === '') {
    return [`connection is required: ${FORMS}, or 'memory'.`];
  }
  const one = single(connection);
  if (Array.isArray(one)) return checkNodes(one);
  if (typeof one === 'string') {
    const fault = faultOfUrl(one, `${FORMS}, or 'memory'`);
    return fault === undefined ? [] : [fault];
  }
  if (typeof one !== 'object' || one === null) {
    return [`connection must be ${FORMS}, or 'memory', got ${typeof one}.`];
  }
  if (!isClient(one) && 'url' in one) {
    return ['connection.url is no option of ioredis; give the URL itself as connection.'];
  }
  // A plain client has a method `cluster`.
  if (!isClient(one) && 'cluster' in one && !isCluster(one)) {
    return ['connection.cluster must list at least one node: a URL, a port, or { host, port }.'];
  }
  if (Array.isArray(connection) && isCluster(one)) {
    return ['connection to a Redis Cluster must stand alone, not in a list.'];
  }
  return [];
}

/** What is wrong with a list of nodes. */
function checkNodes(nodes: readonly unknown[]): string[] {
  if (nodes.length === 0)
    return ['connection must name at least one Redis node, got an empty list.'];
  if (nodes.length === 2) {
    return ['connection must not be two nodes: a quorum needs three or more, a single lock one.'];
  }
  const problems = nodes.flatMap((node, i) =>
    checkConnection([node]).map((problem) => `connection[${i}]: ${problem}`),
  );
  const twin = nodes.findIndex((node, i) => nodes.indexOf(node) < i);
  if (twin >= 0) {
    problems.push(
      `connection names one Redis node twice, at ${nodes.indexOf(nodes[twin])} and at ${twin}; a quorum needs independent ones.`,
    );
  }
  return problems;
}

const FORM = /^(rediss?:\/\/|unix:\/\/|\/)/;

/** What is wrong with a connection URL; `undefined`: nothing. Never shows what may be a password. */
export function faultOfUrl(text: string, forms: string): string | undefined {
  if (!FORM.test(text)) {
    const shown = /[@?]/.test(text) ? 'another text' : JSON.stringify(text);
    return `connection must be ${forms}, got ${shown}.`;
  }
  if (!text.startsWith('redis')) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) {
    return 'connection is no valid URL (not shown, as it may hold a password); encode special characters in it.';
  }
  if (/^\/?\d*$/.test(url.pathname)) return undefined;
  return `connection must name its database by number, got ${JSON.stringify(url.pathname)} in the URL.`;
}
