// Quorum locks against other libraries, on real servers: node bench/quorum.mjs [rounds] [seconds]
//
// 1. Uncontended, one process: the 50th percentile of acquire on 5 nodes, and on one of them;
//    on loopback, where five servers share the cores with their client, and over links that take 2 ms.
// 2. Contended: 4 processes with 4 callers each want one key on 5 nodes all the time, for no longer
//    than a turn of the event loop, and for 2 ms. Who is still unserved at the end counts with its wait so far.
//
// Every round runs every library once, in turn; medians of the rounds are printed.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import {
  freePort,
  makeTemporaryDirectory,
  removeTemporaryDirectory,
  spawnRedis,
} from '../test/support/spawn-redis.mjs';
import { libraries } from './quorum/libraries.mjs';

const ONE = 'nestjs-redis-lock, one node';
const NODES = 5;
const PROCESSES = 4;
const CALLERS = 4;
const WARM_UP = 500;
const UNCONTENDED = 1500;
const LINK_MS = 2;
const LOADS = [
  { holdMs: 0, pauseMs: 0 },
  { holdMs: 0, pauseMs: 10 },
  { holdMs: 2, pauseMs: 10 },
];
const [rounds = 3, seconds = 5] = process.argv.slice(2).map(Number);
const worker = fileURLToPath(new URL('quorum/worker.mjs', import.meta.url));
const slowLinks = fileURLToPath(new URL('quorum/slow-links.mjs', import.meta.url));

const dir = makeTemporaryDirectory();
const servers = [];
let links;
try {
  const urls = [];
  for (let i = 0; i < NODES; i += 1) {
    const port = await freePort();
    servers.push(await spawnRedis({ args: [], port, dir }));
    urls.push(`redis://127.0.0.1:${port}`);
  }
  const alone = { ...libraries, [ONE]: (all) => libraries['nestjs-redis-lock'](all.slice(0, 1)) };
  await measure('uncontended, loopback', alone, (open) => uncontended(open, urls, UNCONTENDED));
  links = fork(slowLinks, [`${LINK_MS}`, ...urls.map((url) => new URL(url).port)]);
  const [ports] = await once(links, 'message');
  const far = ports.map((port) => `redis://127.0.0.1:${port}`);
  await measure(`uncontended, links of ${LINK_MS} ms`, alone, (open) =>
    uncontended(open, far, UNCONTENDED / 5),
  );
  for (const load of LOADS) {
    const title = `contended, held for ${load.holdMs} ms, then a pause of 0 to ${load.pauseMs} ms`;
    await measure(title, libraries, (_, name) => contended(name, load, urls));
  }
} finally {
  links?.kill('SIGKILL');
  for (const server of servers) server.kill('SIGKILL');
  removeTemporaryDirectory(dir);
}

/** Alternates between the libraries and prints the median of each figure. */
async function measure(title, candidates, run) {
  const results = new Map(Object.keys(candidates).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, open] of Object.entries(candidates)) {
      results.get(name).push(await run(open, name));
    }
  }
  console.log(title);
  console.table(
    Object.fromEntries(
      [...results].map(([name, runs]) => [
        name,
        Object.fromEntries(
          Object.keys(runs[0]).map((figure) => [
            figure,
            round3(median(runs.map((r) => r[figure]))),
          ]),
        ),
      ]),
    ),
  );
}

async function uncontended(open, urls, count) {
  const locks = await open(urls);
  const [acquires, both] = [[], []];
  for (let i = 0; i < WARM_UP + count; i += 1) {
    const startedAt = performance.now();
    const release = await locks.acquire(`free:${i % 10}`);
    const heldAt = performance.now();
    await release();
    if (i < WARM_UP) continue;
    acquires.push(heldAt - startedAt);
    both.push(performance.now() - startedAt);
  }
  await locks.close();
  return { 'acquire p50, ms': percentile(acquires, 0.5), 'both p50, ms': percentile(both, 0.5) };
}

async function contended(name, { holdMs, pauseMs }, urls) {
  const key = `hot:${Math.random()}`;
  const args = [name, `${CALLERS}`, `${holdMs}`, `${pauseMs}`, key, ...urls];
  const workers = Array.from({ length: PROCESSES }, () => fork(worker, args));
  await Promise.all(workers.map((child) => once(child, 'message')));
  for (const child of workers) child.send('go');
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const answers = workers.map((child) => once(child, 'message'));
  for (const child of workers) child.send('stop');
  const callers = (await Promise.all(answers)).flatMap(([report]) => report);
  for (const child of workers) child.kill('SIGKILL');
  const counts = callers.map(({ waits }) => waits.length);
  const waits = callers.flatMap((caller) => [...caller.waits, ...caller.open]);
  return {
    'acquired/s': counts.reduce((a, b) => a + b, 0) / seconds,
    'p50, ms': percentile(waits, 0.5),
    'p99, ms': percentile(waits, 0.99),
    'longest, ms': percentile(waits, 1),
    jain: jain(counts),
    'never served': counts.filter((count) => count === 0).length,
  };
}

function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function median(values) {
  return percentile(values, 0.5);
}

/** 1: all are served equally; 1/n: one of n is served. */
function jain(counts) {
  const sum = counts.reduce((a, b) => a + b, 0);
  const squares = counts.reduce((a, b) => a + b * b, 0);
  return sum === 0 ? 0 : sum ** 2 / (counts.length * squares);
}

function round3(value) {
  return Number(value.toPrecision(3));
}
