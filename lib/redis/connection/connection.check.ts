import { readSeed, readUrl } from './connection-url.js';
import { type ClusterParts, clusterParts, isClient, isPlain, single } from './connection.js';
import { checkOptions, strangerOf } from './redis-options.check.js';

const FORMS =
  'a redis://, rediss:// or unix path URL, ioredis options, { cluster: nodes, options }, or an ioredis client';
const SEEDS = 'a redis:// or rediss:// URL, "host:port", a port, or { host, port }';

/** What is wrong with `connection`, one sentence each; never shows what may be a password. */
export function checkConnection(connection: unknown): string[] {
  if (connection === undefined || connection === null || connection === '') {
    return [`connection is required: ${FORMS}, or 'memory'.`];
  }
  const one = single(connection);
  const where = one === connection ? 'connection' : 'connection[0]';
  if (Array.isArray(one) && one === connection) return checkNodes(one);
  if (clusterParts(one) !== undefined && one !== connection) return [ALONE];
  return checkEndpoint(one, where, where === 'connection' ? `${FORMS}, or 'memory'` : FORMS);
}

const ALONE = 'connection to a Redis Cluster must stand alone, not in a list.';

/** What is wrong with a list of nodes. */
function checkNodes(nodes: readonly unknown[]): string[] {
  if (nodes.length === 0)
    return ['connection must name at least one Redis node, got an empty list.'];
  if (nodes.length === 2) {
    return ['connection must not be two nodes: a quorum needs three or more, a single lock one.'];
  }
  const problems = nodes.flatMap((node, i) =>
    clusterParts(node) === undefined ? checkEndpoint(node, `connection[${i}]`, FORMS) : [ALONE],
  );
  const twin = nodes.findIndex((node, i) => nodes.indexOf(node) < i);
  if (twin >= 0) {
    problems.push(
      `connection names one Redis node twice, at ${nodes.indexOf(nodes[twin])} and at ${twin}; a quorum needs independent ones.`,
    );
  }
  return [...new Set(problems)];
}

/** One server, or a Cluster. */
function checkEndpoint(value: unknown, where: string, forms: string): string[] {
  if (typeof value === 'string') return checkText(value, where, forms, readUrl(value).fault);
  if (isClient(value)) return [];
  const parts = clusterParts(value);
  if (parts !== undefined) return checkCluster(value as object, parts, where);
  if (!isPlain(value)) return [`${where} must be ${forms}, got ${strangerOf(value)}.`];
  if (!('cluster' in value)) return checkOptions(value, where);
  return [`${where}.cluster must list at least one node: ${SEEDS}.`];
}

/** @param fault Of a URL; empty when it is none. */
function checkText(text: string, where: string, forms: string, fault: string | undefined) {
  if (fault === undefined) return [];
  if (fault !== '') return [`${where} ${fault}`];
  return [
    `${where} must be ${forms}, got ${/^[a-z]*$/i.test(text) ? `"${text}"` : 'another text'}.`,
  ];
}

/** The nodes and options of a Cluster; of a client only the texts that we have to read ourselves. */
function checkCluster(value: object, { seeds, options }: ClusterParts, where: string): string[] {
  const ours = isPlain(value);
  const read = ours ? seeds : seeds.filter((seed) => typeof seed === 'string');
  const problems = read.flatMap((seed, i) => checkSeed(seed, `${where}.cluster[${i}]`));
  if (!ours) return problems;
  const strange = Object.keys(value).filter((name) => name !== 'cluster' && name !== 'options');
  for (const name of strange)
    problems.push(`${where}.${name} is not taken beside cluster; put it into ${where}.options.`);
  const inside = `${where}.options`;
  if (!isPlain(options)) return [...problems, `${inside} must be ioredis' options of a Cluster.`];
  const { redisOptions = {} } = options as { redisOptions?: unknown };
  if (isPlain(redisOptions))
    return [...problems, ...checkOptions({ host: '-', ...redisOptions }, `${inside}.redisOptions`)];
  return [...problems, `${inside}.redisOptions must be ioredis options.`];
}

function checkSeed(seed: unknown, where: string): string[] {
  if (typeof seed === 'string') return checkText(seed, where, SEEDS, readSeed(seed).fault);
  const options = typeof seed === 'number' ? { port: seed } : seed;
  if (!isPlain(options)) return [`${where} must be ${SEEDS}, got ${strangerOf(options)}.`];
  if ('host' in options || 'port' in options) return checkOptions(options, where);
  return [`${where} must be ${SEEDS}, got an object without host and port.`];
}
