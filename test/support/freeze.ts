import { connect } from 'node:net';

/**
 * Freezes the Redis server on `port` for `ms` milliseconds: CLIENT PAUSE … ALL from a
 * connection of its own. Commands of everybody queue up unanswered, and run when it is over.
 * Resolves when the server is frozen.
 */
export function freeze(port: number, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('data', (reply) => {
      socket.destroy();
      const text = reply.toString();
      if (text.startsWith('+OK')) resolve();
      else reject(new Error(`CLIENT PAUSE on port ${port} failed: ${text.trim()}`));
    });
    socket.write(`CLIENT PAUSE ${ms} ALL\r\n`);
  });
}
