import { ask, start } from '../children.mjs';
import { OURS, RAW } from '../libraries/index.mjs';

/** The shortest correct interceptor around `withLock`. */
export const INTERCEPTOR = 'interceptor by hand';
export const POSITIONAL = 'positional key';
const NO_LOCK = 'no lock';
const ROUTES = {
  [OURS]: 'locked',
  [POSITIONAL]: 'positional',
  [INTERCEPTOR]: 'interceptor',
  [RAW]: 'raw',
  [NO_LOCK]: 'plain',
};
/** V8 goes on compiling what a request runs through for some ten thousand requests. */
const WARM_UP_S = 8;
const ANSWER_WITHIN_MS = 30_000;

/** Requests to routes that are `@Locked`, to two that lock by hand, and to one without a lock. */
export const http = [httpWork(1), httpWork(10)];

function httpWork(connections) {
  return {
    name: `http-${connections}`,
    title: `HTTP requests over ${connections} connection(s), each for a lock of its own`,
    libraries: [RAW, INTERCEPTOR, OURS, POSITIONAL, NO_LOCK],
    run: (library, { servers, seconds }) =>
      measure(ROUTES[library], { connections, servers, seconds }),
  };
}

async function measure(route, { connections, servers, seconds }) {
  const [url] = await servers.urls(1);
  const server = start('http/server.mjs');
  try {
    const { port } = await ask(server, { url }, ANSWER_WITHIN_MS);
    const load = { origin: `http://127.0.0.1:${port}`, route, connections };
    await shoot({ ...load, seconds: WARM_UP_S });
    const before = await ask(server, 'cpu', ANSWER_WITHIN_MS);
    const shots = await shoot({ ...load, seconds: Math.max(1, Math.round(seconds)) });
    const after = await ask(server, 'cpu', ANSWER_WITHIN_MS);
    return {
      perSecond: shots.requests / shots.elapsedS,
      waitP50Ms: shots.p50Ms,
      waitP99Ms: shots.p99Ms,
      clientCpuUs: (after.user - before.user + after.system - before.system) / shots.requests,
      errors: shots.errors,
    };
  } finally {
    server.kill('SIGKILL');
  }
}

async function shoot(load) {
  const client = start('http/client.mjs');
  try {
    return await ask(client, load, load.seconds * 1000 + ANSWER_WITHIN_MS);
  } finally {
    client.kill('SIGKILL');
  }
}
