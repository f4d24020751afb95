import { describe, expect, it } from '@jest/globals';

import { clusterClients } from '../../../lib/redis/cluster/cluster-clients.js';

describe('the options of a Cluster node', () => {
  it('are those of the seed where redisOptions has a name without a value', () => {
    const cluster = [{ host: '127.0.0.1', port: 1, password: 'seed' }];
    const redisOptions = { password: undefined, username: 'app', lazyConnect: true } as never;
    const clients = clusterClients(
      { cluster, options: { redisOptions } },
      { commandTimeout: 1000 },
    );
    const node = clients.open('127.0.0.1:1');

    expect(node.options).toMatchObject({ username: 'app', password: 'seed' });
    node.disconnect();
  });
});
