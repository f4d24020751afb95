import { describe, expect, it } from '@jest/globals';
import { array, assert, constantFrom, pre, property, tuple } from 'fast-check';
import { Cluster, Redis } from 'ioredis';

import { isLockError } from '../../../lib/engine/api/errors.js';
import { readUrl } from '../../../lib/redis/connection/connection-url.js';
import { checkConnection } from '../../../lib/redis/connection/connection.check.js';
import { ownClients } from '../../../lib/redis/client/client-options.js';
import { LockService } from '../../../lib/nest/service/lock.service.js';

const MARK = 'S3CRET';

/** A secret with what people forget to encode, and a mark that no other part of a text has. */
const secret = array(
  constantFrom(MARK, '/', '#', '?', '@', ':', '%', '%zz', '7', '+', '=', '\\', ' ', '&'),
  {
    minLength: 1,
    maxLength: 6,
  },
).map((parts) => `${parts.join('')}${MARK}`);
const url = tuple(
  constantFrom('redis://', 'rediss://', 'unix://', 'http://', 'redis:/', '//', 'REDIS://', ''),
  constantFrom('', 'u', 'default', '7'),
  secret,
  constantFrom('@', '', '@[', '@@'),
  constantFrom('h', 'h:6379', 'h:port', '[::1]:7', ''),
  constantFrom('', '/', '/0', '/abc', '?db=1', '#x'),
).map(([scheme, user, password, at, host, rest]) =>
  [scheme, user, ':', password, at, host, rest].join(''),
);

/** Every form that a text can have, or be part of. */
const FORMS: Record<string, (text: string) => unknown> = {
  'a text': (text) => text,
  'a list of one': (text) => [text],
  'a list of three': (text) => ['redis://a', text, 'redis://c'],
  'the same one twice': (text) => [text, text, 'redis://c'],
  'a seed of a Cluster': (text) => ({ cluster: ['redis://a', text] }),
  'a host': (text) => ({ host: text, port: 1 }),
  'a path': (text) => ({ path: `unix://${text}` }),
  'a port': (text) => ({ host: 'h', port: text }),
  'a database': (text) => ({ db: text }),
  'a Sentinel': (text) => ({ sentinels: [text], name: 'x' }),
  'the host of a Sentinel': (text) => ({ sentinels: [{ host: `${text}@` }], name: 'x' }),
  'the host of a seed': (text) => ({ cluster: [{ host: `${text}/`, port: 1 }] }),
  'options of a Cluster': (text) => ({ cluster: [1], options: text }),
  'an option of another client': (text) => ({ url: text }),
};

describe('checkConnection', () => {
  it.each(Object.entries(FORMS))('shows no secret of a URL that is %s', (_form, build) => {
    assert(
      property(url, (text) => {
        expect(checkConnection(build(text)).join('\n')).not.toContain(MARK);
      }),
      { numRuns: 300 },
    );
  });

  it('takes no URL whose password would be read as its server', () => {
    assert(
      property(url, (text) => {
        pre(/@[^@]*$/.test(text.slice(text.lastIndexOf(MARK))));
        const { options } = readUrl(text);
        const { password: _password, path: _path, username: _username, ...place } = options ?? {};

        expect(JSON.stringify(place)).not.toContain(MARK);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    'redis://u:S3CRET@[bad',
    'redis:/u:S3CRET@h',
    'localhost:6379?password=S3CRET',
    'http://u:S3CRET@h',
    'rediss://u:S3CRET@h:port',
    'redis://u:S3CRET@h:99999',
    'redis://default:/S3CRET==@h:6379/0',
    'redis://u:12#S3CRET@h:1',
    'redis://u:12?S3CRET@h:1',
    'redis://u:%zzS3CRET@h',
    'S3CRET7',
    'u:S3CRET',
  ])('refuses %s without showing its password', (text) => {
    const problems = checkConnection(text);

    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toContain('S3CRET');
  });

  it.each([
    'redis://localhost',
    'redis://:p%40ss@localhost:6379/5',
    'redis://u:p@ss@localhost',
    'rediss://u:p@h:6380/0?family=6',
    'unix:///run/redis.sock',
    '/run/redis.sock',
    '/run/redis.sock?db=2',
    {},
    { host: 'h', port: '6379', db: '1', anythingElse: true },
    { password: 'x', maxRetriesPerRequest: null },
    { path: '/run/redis.sock' },
    { sentinels: [{ host: 's', port: 26_379 }, { port: 1 }], name: 'mymaster' },
    { cluster: [7000, '7001', 'h:7002', 'redis://:p@h:7003', { host: 'h', port: 7004 }] },
    { cluster: [7000], options: { redisOptions: { password: 'x' }, scaleReads: 'all' } },
    ['redis://a', { host: 'b' }, '/run/redis.sock'],
  ])('takes %j', (connection) => {
    expect(checkConnection(connection)).toEqual([]);
  });

  it('takes a client of ioredis, alone and in a list, and one of a Cluster', () => {
    const client = new Redis({ lazyConnect: true });

    expect(checkConnection(client)).toEqual([]);
    expect(checkConnection([client])).toEqual([]);
    expect(checkConnection(new Cluster([{}], { lazyConnect: true }))).toEqual([]);
  });

  it.each([
    [[undefined], 'connection[0] must be '],
    [[''], 'connection[0] must be '],
    [['http://a:1'], 'connection[0] must be '],
    [[['redis://a', 'redis://b', 'redis://c']], 'connection[0] must be '],
    [['redis://a', ['redis://b'], 'redis://c'], 'connection[1] must be '],
    [{ cluster: [undefined] }, 'connection.cluster[0] must be '],
    [{ cluster: [''] }, 'connection.cluster[0] '],
    [{ cluster: ['http://a:1'] }, 'connection.cluster[0] must be '],
    [{ cluster: ['redis://u:secret#w@h:1'] }, 'connection.cluster[0] is no valid URL'],
    [{ cluster: [{}] }, 'connection.cluster[0] must be '],
    [{ cluster: [new Map()] }, 'connection.cluster[0] must be '],
    [{ cluster: [7000], redisOptions: {} }, 'connection.redisOptions is not taken beside cluster'],
    [{ cluster: [7000], options: 'x' }, 'connection.options must be '],
    [{ cluster: [] }, 'connection.cluster must list at least one node'],
    [{ host: '' }, 'connection.host must be '],
    [{ host: 'h', port: 'x' }, 'connection.port must be '],
    [{ sentinels: ['h:1'], name: 'x' }, 'connection.sentinels[0] must be '],
    [{ sentinels: [{ host: 'h' }] }, 'connection.name must be '],
    [{ socket: { host: 'h' } }, 'connection.socket is no option of ioredis; give host and port'],
    [{ hostname: 'h' }, 'connection.hostname is no option of ioredis; it is called host'],
    [{ nodes: ['h:1'] }, 'connection.nodes is no option of ioredis; give { cluster'],
    [{ host: 'h', user: 'u' }, 'connection.user is no option of ioredis; it is called username'],
    [{ config: { host: 'h' } }, 'ioredis has no option config'],
    [Promise.resolve(), 'got a promise'],
    [new Map([['host', 'h']]), 'got an instance of the class Map'],
    [new URL('redis://h'), 'got an instance of the class URL'],
    [{ connect() {}, duplicate() {} }, 'ioredis has no option connect, duplicate'],
    [
      new (class Client {
        duplicate(): void {}
      })(),
      'got a client of another package than ioredis',
    ],
    [() => 'redis://h', 'got function'],
    [7, 'got number'],
  ])('refuses %j, saying what is taken', (connection, text) => {
    const problems = checkConnection(connection);

    expect(problems).toEqual([expect.stringContaining(text)]);
  });

  it('refuses a database that is no number, and options of another client', () => {
    expect(checkConnection('redis://h/abc')).toEqual([expect.stringContaining('"/abc"')]);
    expect(checkConnection({ url: 'redis://h' })).toEqual([
      expect.stringMatching(/^connection\.url is no option/),
    ]);
  });
});

describe('LockService', () => {
  it('tells every fault of a connection in one LockConfigError, of whatever form it is', () => {
    const open = (connection: unknown) => () => new LockService({ connection } as never);
    const faulty = [
      undefined,
      null,
      [undefined],
      { cluster: [undefined, 'http://a'] },
      new Map(),
      7,
    ];

    for (const connection of faulty) {
      expect(open(connection)).toThrow(expect.objectContaining({ code: 'LOCK_CONFIG' }));
    }
    try {
      open({ cluster: [undefined, 'http://a'] })();
    } catch (error) {
      expect(isLockError(error)).toBe(true);
      expect(error).toMatchObject({ problems: { length: 2 } });
    }
  });
});

describe('a URL’s query', () => {
  const openedBy = (connection: string) => {
    const { open, keyPrefix } = ownClients(connection, { commandTimeout: 1000 });
    const client = open();
    client.disconnect();
    return { ...client.options, ourPrefix: keyPrefix };
  };

  it('gives way to what our connections need', () => {
    const options = openedBy(
      'redis://127.0.0.1:1?keyPrefix=app:&monitor=true&connectTimeout=500&stringNumbers=true&Connector=x&sentinels=x&scripts=x&retryStrategy=x',
    );

    expect(options).toMatchObject({
      ourPrefix: 'app:',
      keyPrefix: '',
      monitor: false,
      stringNumbers: false,
      connectTimeout: 900,
    });
    expect(options.Connector).toBeUndefined();
    expect(options.sentinels).toBeFalsy();
  });

  it('gives what a text can say, as what it is', () => {
    expect(
      openedBy('rediss://127.0.0.1:1?db=3&family=6&password=123&noDelay=false&keepAlive=5'),
    ).toMatchObject({ db: 3, family: 6, password: '123', noDelay: false, keepAlive: 5, tls: {} });
  });
});
