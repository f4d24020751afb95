// Forwards a port to each target, with a pause on the way there: a network, in a process of its own.
import { connect, createServer } from 'node:net';

process.once('disconnect', () => process.exit());
const [delayMs, ...targets] = process.argv.slice(2).map(Number);
const ports = await Promise.all(targets.map(link));
process.send(ports);

function link(target) {
  return new Promise((resolve) => {
    const server = createServer({ noDelay: true }, (client) => {
      const redis = connect({ port: target, host: '127.0.0.1', noDelay: true });
      client.on('data', (chunk) => setTimeout(() => redis.write(chunk), delayMs));
      redis.on('data', (chunk) => client.write(chunk));
      for (const [one, other] of [
        [client, redis],
        [redis, client],
      ])
        one.on('error', () => {}).on('close', () => other.destroy());
    });
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}
