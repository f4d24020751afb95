/** Options of other clients, and what they are called in ioredis. */
const FOREIGN: Record<string, string> = {
  url: 'give the URL itself as connection',
  uri: 'give the URL itself as connection',
  connectionString: 'give the URL itself as connection',
  socket: 'give host and port, or path',
  hostname: 'it is called host',
  address: 'it is called host',
  server: 'it is called host',
  user: 'it is called username',
  pass: 'it is called password',
  auth: 'it is called password',
  database: 'it is called db',
  ssl: 'it is called tls',
  nodes: 'give { cluster: nodes, options }',
  rootNodes: 'give { cluster: nodes, options }',
  startupNodes: 'give { cluster: nodes, options }',
  clusterNodes: 'give { cluster: nodes, options }',
  redisOptions: 'it belongs to { cluster: nodes, options: { redisOptions } }',
};

/** Options of ioredis that may stand alone: a server's place has a default. */
const ALONE = new Set(
  [
    'username password db tls family keyPrefix connectionName name role natMap protocol replyMapping',
    'Connector connectTimeout disconnectTimeout commandTimeout socketTimeout blockingTimeout',
    'blockingTimeoutGrace keepAlive noDelay disableClientInfo clientInfoTag retryStrategy',
    'reconnectOnError autoResubscribe autoResendUnfulfilledCommands lazyConnect readOnly',
    'stringNumbers monitor maxRetriesPerRequest maxLoadingRetryTime enableAutoPipelining',
    'autoPipeliningIgnoredCommands enableOfflineQueue offlineQueue commandQueue enableReadyCheck',
    'showFriendlyErrorStack scripts himportFieldsets preferredSlaves failoverDetector',
    'sentinelUsername sentinelPassword sentinelTLS sentinelRetryStrategy sentinelMaxConnections',
    'sentinelReconnectStrategy sentinelCommandTimeout enableTLSForSentinelMode updateSentinels',
  ].flatMap((names) => names.split(' ')),
);
const PLACES = new Set(['host', 'port', 'path', 'sentinels']);

/** What is wrong with ioredis options; values are not shown, as a secret may be in the wrong place. */
export function checkOptions(options: Readonly<Record<string, unknown>>, where: string): string[] {
  const names = Object.keys(options);
  const foreign = names.filter((name) => Object.hasOwn(FOREIGN, name));
  const problems = foreign.map(
    (name) => `${where}.${name} is no option of ioredis; ${FOREIGN[name]}.`,
  );
  if (foreign.length === 0 && !names.some((name) => PLACES.has(name))) {
    const unknown = names.filter((name) => !ALONE.has(name));
    if (unknown.length > 0)
      problems.push(
        `${where} names no server (host, port, path or sentinels), and ioredis has no option ${unknown.join(', ')}.`,
      );
  }
  return [...problems, ...checkValues(options, where)];
}

function checkValues(options: Readonly<Record<string, unknown>>, where: string): string[] {
  const { host, port, path, db, sentinels, name } = options;
  const problems: string[] = [];
  if (given(host) && !isHost(host))
    problems.push(`${where}.host must be the name or address of a server; a URL stands alone.`);
  if (given(port) && !isNumber(port, 1, 65_535))
    problems.push(`${where}.port must be a number from 1 to 65535.`);
  if (given(path) && (typeof path !== 'string' || path.includes('://')))
    problems.push(`${where}.path must be the path of a unix socket; a URL stands alone.`);
  if (given(db) && !isNumber(db, 0, 2 ** 31))
    problems.push(`${where}.db must be the number of a database.`);
  if (!given(sentinels)) return problems;
  if (!Array.isArray(sentinels) || sentinels.length === 0)
    return [...problems, `${where}.sentinels must list at least one { host, port }.`];
  if (typeof name !== 'string' || name === '')
    problems.push(`${where}.name must be the name of the primary's group, as Sentinel knows it.`);
  const all: readonly unknown[] = sentinels;
  return [...problems, ...all.flatMap((one, i) => checkSentinel(one, `${where}.sentinels[${i}]`))];
}

function checkSentinel(sentinel: unknown, where: string): string[] {
  if (typeof sentinel === 'object' && sentinel !== null) {
    const { host, port } = sentinel as Readonly<Record<string, unknown>>;
    if (given(host) || given(port)) return checkValues({ host, port }, where);
  }
  return [`${where} must be { host, port }.`];
}

/** What stands in the place of a connection, without its content. */
export function strangerOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  if (Array.isArray(value)) return 'a list';
  const { then, duplicate, connect, sendCommand } = value as Record<string, unknown>;
  if (typeof then === 'function') return 'a promise; await it first (forRootAsync does)';
  if ([duplicate, connect, sendCommand].some((method) => typeof method === 'function'))
    return 'a client of another package than ioredis, or a copy of one';
  const { constructor } = value;
  const name = typeof constructor === 'function' ? constructor.name : '';
  return name === '' ? 'an instance of a class' : `an instance of the class ${name}`;
}

function given(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function isHost(value: unknown): boolean {
  return typeof value === 'string' && /^[^\s/@?#]+$/.test(value);
}

/** ioredis takes a number in writing, too: as the environment gives it. */
function isNumber(value: unknown, from: number, to: number): boolean {
  if (typeof value !== 'number' && (typeof value !== 'string' || !/^\d+$/.test(value)))
    return false;
  const number = Number(value);
  return Number.isInteger(number) && number >= from && number <= to;
}
