import { request, type IncomingMessage } from 'node:http';

import { afterTest } from '../../support/after-test.js';

export interface OpenRequest {
  /** Resolves with the head of the answer; never when the client leaves before. */
  readonly answered: Promise<IncomingMessage>;
  /** Closes the connection, as a client does that has lost its patience. */
  leave(): Promise<void>;
}

/** A request on a connection of its own, which the test can close at any time. */
export function openRequest(url: string, { method = 'GET', body = '' } = {}): OpenRequest {
  const client = request(url, {
    method,
    agent: false,
    ...(body !== '' && { headers: { 'content-type': 'application/json' } }),
  });
  client.on('error', () => {});
  const answered = new Promise<IncomingMessage>((resolve) => client.on('response', resolve));
  void answered.then((response) => response.on('error', () => {}));
  afterTest(() => client.destroy());
  client.end(body);
  return {
    answered,
    leave: async () => {
      if (client.destroyed) return;
      client.destroy();
      await new Promise((resolve) => client.once('close', resolve));
    },
  };
}
