import { describe, expect, it } from '@jest/globals';

import { checkConnection } from '../../../lib/redis/connection/connection.check.js';

describe('checkConnection', () => {
  it.each([
    'redis://u:S3CRET@[bad',
    'redis:/u:S3CRET@h',
    'localhost:6379?password=S3CRET',
    'http://u:S3CRET@h',
    'rediss://u:S3CRET@h:port',
    'redis://u:S3CRET@h:99999',
  ])('refuses %s without showing its password', (url) => {
    const problems = checkConnection(url);

    expect(problems).toHaveLength(1);
    expect(problems[0]).not.toContain('S3CRET');
  });

  it.each([
    'redis://localhost',
    'redis://:p%40ss@localhost:6379/5',
    'rediss://u:p@h:6380/0?family=6',
    'unix:///run/redis.sock',
    '/run/redis.sock',
  ])('takes %s', (url) => {
    expect(checkConnection(url)).toEqual([]);
  });

  it('refuses a database that is no number, and options of another client', () => {
    expect(checkConnection('redis://h/abc')).toEqual([expect.stringContaining('"/abc"')]);
    expect(checkConnection({ url: 'redis://h' })).toEqual([
      expect.stringMatching(/^connection\.url is no option/),
    ]);
  });
});
