import { afterAll, beforeAll } from '@jest/globals';

import { RedisServer } from './redis-server.js';

/** Independent servers, for a quorum. */
export class RedisQuorum {
  private constructor(readonly servers: readonly RedisServer[]) {}

  /** Starts `count` servers at the same time. */
  static async start(count: number): Promise<RedisQuorum> {
    const starting = Array.from({ length: count }, () => RedisServer.start());
    return new RedisQuorum(await Promise.all(starting));
  }

  get urls(): string[] {
    return this.servers.map(({ url }) => url);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }
}

/** Servers that all tests of a file share; no test may stop, freeze or reconfigure one. */
export function sharedQuorum(count: number): () => RedisQuorum {
  let quorum: RedisQuorum | undefined;
  beforeAll(async () => {
    quorum = await RedisQuorum.start(count);
  });
  afterAll(() => quorum?.[Symbol.asyncDispose]());
  return () => {
    if (quorum === undefined) throw new Error('The servers run while tests do.');
    return quorum;
  };
}
