import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os';

import { libraries } from '../libraries/index.mjs';

const MODULES = new URL('../node_modules/', import.meta.url);

/** Where it was measured, and what. */
export async function describeMachine(servers) {
  const [cpu] = cpus();
  return {
    cpu: `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()} ${release()}`,
    node: process.version,
    redis: await servers.version(),
    loadAtStart: loadavg()[0],
    versions: Object.fromEntries(
      [...libraries.values()].map((library) => [library.name, versions(library)]),
    ),
  };
}

function versions(library) {
  const client = library.client ?? 'ioredis';
  const name = JSON.parse(readFileSync(new URL(`${client}/package.json`, MODULES), 'utf8'));
  const own = library.ours
    ? new URL('../../package.json', import.meta.url)
    : new URL(`${library.package}/package.json`, MODULES);
  const { version } = JSON.parse(readFileSync(own, 'utf8'));
  return library.floor ? `${name.name} ${version}` : `${version}, on ${name.name} ${name.version}`;
}
