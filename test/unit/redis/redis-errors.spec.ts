import { describe, expect, it } from '@jest/globals';
import { ReplyError } from 'ioredis';

import { NotAppliedError } from '../../../lib/engine/store/lock-store.js';
import { isNoScript, toStoreError } from '../../../lib/redis/client/redis-errors.js';

const reply = (message: string): Error => new (ReplyError as new (text: string) => Error)(message);
const WRAPPED = 'script: 3fc0ab, on @user_script:7.';

describe('toStoreError', () => {
  it.each([
    `OOM command not allowed when used memory > 'maxmemory'. ${WRAPPED}`,
    "READONLY You can't write against a read only replica.",
    `ERR Error running script (call to f_1): @user_script:1: -READONLY You can't write. ${WRAPPED}`,
    'LOADING Redis is loading the dataset in memory',
    'MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.',
    'NOREPLICAS Not enough good replicas to write.',
    'BUSY Redis is busy running a script.',
    'MASTERDOWN Link with MASTER is down',
    'NOAUTH Authentication required.',
    'WRONGPASS invalid username-password pair or user is disabled.',
    "NOPERM this user has no permissions to run the 'evalsha' command",
    'CLUSTERDOWN The cluster is down',
    'TRYAGAIN Multiple keys request during rehashing of slot',
  ])('knows %j for a refusal: nothing was changed', (message) => {
    const error = toStoreError('k', reply(message), { node: 'host:1' });

    expect(error).toBeInstanceOf(NotAppliedError);
    expect(error).toMatchObject({ code: 'LOCK_UNAVAILABLE', keys: ['k'], nodes: ['host:1'] });
    expect((error.cause as Error).message).toBe(message);
  });

  it('takes a command that was never sent for not applied', () => {
    const error = new Error("Stream isn't writeable and enableOfflineQueue options is false");

    expect(toStoreError('k', error, { node: 'host:1' })).toBeInstanceOf(NotAppliedError);
  });

  it.each([
    new Error('Connection is closed.'),
    Object.assign(new Error('Reached the max retries per request limit (which is 1).'), {
      name: 'MaxRetriesPerRequestError',
    }),
    Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
    reply('ERR something new'),
    reply(`NOPERM ACL failure in script: User locks can't publish. ${WRAPPED}`),
    reply("NOPERM this user has no permissions to run the 'publish' command in script"),
    'a string',
  ])('does not know what happened after %p', (error) => {
    const known = toStoreError('k', error, { node: 'host:1' });

    expect(known).not.toBeInstanceOf(NotAppliedError);
    expect(known).toMatchObject({ code: 'LOCK_UNAVAILABLE', keys: ['k'] });
  });

  it.each([
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    `WRONGTYPE Operation against a key. ${WRAPPED}`,
  ])('takes %j for a fault of configuration', (message) => {
    expect(toStoreError('k', reply(message), { node: 'host:1' })).toMatchObject({
      code: 'LOCK_CONFIG',
      keys: ['k'],
    });
  });

  it.each(["CROSSSLOT Keys in request don't hash to the same slot", 'MOVED 7 1.2.3.4:6379'])(
    'takes %j of a server that was to stand alone for one of a Cluster, and says what to write',
    (message) => {
      const error = toStoreError('k', reply(message), { node: 'host:1', alone: true });

      expect(error).toMatchObject({ code: 'LOCK_CONFIG', keys: ['k'] });
      expect(error.message).toContain("write connection: { cluster: ['host:1'] }");
    },
  );

  it('names the version of a server that is too old for what it was asked', () => {
    const info = { runId: undefined, uptime: undefined, mode: undefined };
    const told = (version: string) =>
      toStoreError('k', reply('ERR syntax error'), {
        node: 'host:1',
        server: { ...info, version },
      });

    expect(told('6.2.14').message).toMatch(/it is Redis 6\.2\.14, and locks need 7\.0 or newer/);
    expect(told('7.0.15').message).toMatch(/answered with an error\.$/);
  });

  it('keeps nothing of a command’s arguments: they hold tokens and passwords', () => {
    const error = Object.assign(reply('OOM x'), {
      command: { name: 'auth', args: ['hunter2'] },
      previousErrors: ['hunter2'],
    });

    const { cause } = toStoreError('k', error, { node: 'host:1' });

    expect(Object.keys(cause as Error)).not.toContain('command');
    expect(JSON.stringify(cause)).not.toContain('hunter2');
  });
});

describe('isNoScript', () => {
  it('knows a server that has forgotten a script', () => {
    expect(isNoScript(reply('NOSCRIPT No matching script.'))).toBe(true);
    expect(isNoScript(reply('ERR NOSCRIPT inside another script'))).toBe(false);
    expect(isNoScript(new Error('NOSCRIPT'))).toBe(false);
    expect(isNoScript(undefined)).toBe(false);
  });
});
