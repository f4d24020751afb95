// How long the package takes to load beside a loaded Nest and ioredis: median of 15 processes.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PEERS = ['reflect-metadata', '@nestjs/common', '@nestjs/core', 'ioredis'];
const { NODE_OPTIONS: _, ...env } = process.env;

for (const [type, load, path] of [
  ['module', 'await import', './dist/esm/index.js'],
  ['commonjs', 'require', './dist/cjs/index.js'],
]) {
  const code = `
    ${PEERS.map((name) => `${load}('${name}');`).join('')}
    const start = performance.now();
    ${load}('${path}');
    console.log(performance.now() - start);`;
  const args = [`--input-type=${type}`, '--eval', code];
  const times = Array.from({ length: 15 }, () =>
    Number(execFileSync(process.execPath, args, { cwd: ROOT, env })),
  ).toSorted((one, other) => one - other);
  console.log(`${load}: ${times[7].toFixed(1)} ms`);
}
