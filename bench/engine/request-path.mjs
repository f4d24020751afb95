// @ts-check
// What a request costs under @Locked, beside the shortest correct interceptor around `withLock`,
// commands by hand and no lock: all are routes of one application, asked in short alternating slices.
// Two processes of one route differ by a fifth, so each is measured in several processes.
//
//   node bench/engine/request-path.mjs [slices] [processes]
import { Agent, request } from 'node:http';

import { ask, start } from '../children.mjs';
import { withRedis } from './bench-redis.mjs';
import { inSlices, percentile, ratioQuartiles } from './slices.mjs';

const SLICES = Number(process.argv[2] ?? 60);
const PROCESSES = Number(process.argv[3] ?? 3);
const CONNECTIONS = [1, 10];
const REQUESTS = 400;
/** V8 goes on compiling what a request runs through for some ten thousand requests. */
const WARM_UP_SLICES = 25;
const ANSWER_WITHIN_MS = 30_000;
/** The first is what the others are compared with. */
const ROUTES = ['interceptor', 'locked', 'positional', 'raw', 'plain'];

await withRedis(async (_, url) => {
  for (let i = 1; i <= PROCESSES; i += 1) {
    const server = start('http/server.mjs');
    try {
      const { port } = await ask(server, { url }, ANSWER_WITHIN_MS);
      console.log(`\nprocess ${i} of ${PROCESSES}`);
      for (const connections of CONNECTIONS) await compare(server, port, connections);
    } finally {
      server.kill('SIGKILL');
    }
  }
});

/**
 * @param {import('node:child_process').ChildProcess} server
 * @param {number} port
 * @param {number} connections
 */
async function compare(server, port, connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  /** @type {Map<string, number[]>} */
  const cpu = new Map(ROUTES.map((route) => [route, []]));
  const perSecond = async (/** @type {string} */ route) => {
    const before = await ask(server, 'cpu', ANSWER_WITHIN_MS);
    const startedAt = performance.now();
    await Promise.all(
      Array.from({ length: connections }, async (_, lane) => {
        for (let i = lane; i < REQUESTS; i += connections)
          await get(agent, `http://127.0.0.1:${port}/orders/${route}/${lane}`);
      }),
    );
    const seconds = (performance.now() - startedAt) / 1000;
    const after = await ask(server, 'cpu', ANSWER_WITHIN_MS);
    cpu.get(route)?.push((after.user - before.user + after.system - before.system) / REQUESTS);
    return REQUESTS / seconds;
  };
  for (let i = 0; i < WARM_UP_SLICES; i += 1) for (const route of ROUTES) await perSecond(route);
  for (const spent of cpu.values()) spent.length = 0;
  const rates = await inSlices(ROUTES, SLICES, perSecond);
  agent.destroy();
  console.log(
    `  ${connections} connection(s), medians of ${SLICES} slices of ${REQUESTS} requests`,
  );
  for (const [i, route] of ROUTES.entries()) {
    const [low, half, high] = ratioQuartiles(rates[i] ?? [], rates[0] ?? []).map((ratio) =>
      ratio.toFixed(3),
    );
    const rate = percentile(rates[i] ?? [], 0.5).toFixed(0);
    const spent = percentile(cpu.get(route) ?? [], 0.5).toFixed(0);
    console.log(
      `    ${route.padEnd(12)} ${rate.padStart(6)} requests a second, ${half} × the interceptor's ` +
        `(half of them ${low} to ${high}), ${spent} µs of CPU each`,
    );
  }
}

/**
 * @param {Agent} agent
 * @param {string} url
 * @returns {Promise<void>}
 */
function get(agent, url) {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${url} answered ${response.statusCode}.`));
      response.resume().once('end', resolve);
    })
      .once('error', reject)
      .end();
  });
}
