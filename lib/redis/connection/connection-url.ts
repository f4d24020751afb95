import type { RedisOptions } from 'ioredis';

/** What a URL says, or what is wrong with it: a sentence that shows nothing that may be a secret. */
export type ReadUrl =
  | { readonly options: RedisOptions; readonly fault?: undefined }
  | { readonly options?: undefined; readonly fault: string };

/** The text that a URL's fault is told with; it goes on the name of the option. */
const INVALID =
  'is no valid URL (not shown, as it may hold a password); encode special characters in it.';

/** Reads `redis://`, `rediss://` or the path of a unix socket. */
export function readUrl(text: string): ReadUrl {
  if (/^(unix:\/\/)?\/(?!\/)/.test(text)) return readPath(text.replace(/^unix:\/\//, ''));
  if (!/^(rediss?:)?\/\//i.test(text)) return { fault: '' };
  const full = text.startsWith('//') ? `redis:${text}` : text;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  // What stands behind the server's name and still has a mark of the part before it is a password.
  if (url === undefined || url.hash !== '' || /@/.test(url.pathname + url.search))
    return { fault: INVALID };
  const login = readLogin(url);
  if (login === undefined) return { fault: INVALID };
  if (!/^\/?\d*$/.test(url.pathname)) {
    const shown = /^\w+:\/\/[^:@?]*$/.test(text) ? `, got ${JSON.stringify(url.pathname)}` : '';
    return { fault: `must name its database by number${shown} in the URL.` };
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const options: RedisOptions = {
    ...readQuery(url.searchParams),
    ...(host === '' ? {} : { host }),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    ...(url.pathname.length > 1 ? { db: Number(url.pathname.slice(1)) } : {}),
    ...(url.protocol === 'rediss:' ? { tls: {} } : {}),
    ...login,
  };
  return { options };
}

/** Reads a node of a Cluster: a URL, `host:port`, or a port. */
export function readSeed(text: string): ReadUrl {
  if (/^\d+$/.test(text)) return { options: { port: Number(text) } };
  if (text === '' || text.startsWith('/')) return { fault: '' };
  return readUrl(text.includes('://') ? text : `redis://${text}`);
}

function readPath(text: string): ReadUrl {
  const [path = '', query = ''] = text.split('?', 2);
  return { options: { ...readQuery(new URLSearchParams(query)), path } };
}

function readLogin({ username, password }: URL): RedisOptions | undefined {
  try {
    return {
      ...(username === '' ? {} : { username: decodeURIComponent(username) }),
      ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    };
  } catch {
    return undefined;
  }
}

const text = (value: string): string => value;
const flag = (value: string): boolean => value !== 'false' && value !== '0';

/** Options that a query may give; what our connections need, and what no text can say, it may not. */
const IN_QUERY: Record<string, (value: string) => unknown> = {
  username: text,
  password: text,
  keyPrefix: text,
  connectionName: text,
  db: Number,
  family: Number,
  protocol: Number,
  keepAlive: Number,
  noDelay: flag,
  // A profile of ioredis by its name.
  tls: (value) => (/^[a-z]{6,}$/i.test(value) ? value : flag(value) ? {} : undefined),
};

function readQuery(query: URLSearchParams): RedisOptions {
  const given = [...query].flatMap(([name, value]) => {
    const read = Object.hasOwn(IN_QUERY, name) ? IN_QUERY[name] : undefined;
    const option = read?.(value);
    return option === undefined || Number.isNaN(option) ? [] : [[name, option] as const];
  });
  return Object.fromEntries(given);
}
