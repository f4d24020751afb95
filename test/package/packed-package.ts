import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PEERS = [
  '@nestjs',
  '@opentelemetry',
  '@types',
  'ioredis',
  'prom-client',
  'reflect-metadata',
  'rxjs',
];

const run = promisify(execFile);

/**
 * The package as a user gets it: built, packed with npm and unpacked into the node_modules of
 * an empty application, whose peers are the ones installed here.
 */
export class PackedPackage {
  /** Folder of the application. */
  readonly application: string;
  /** Folder of the unpacked package. */
  readonly directory: string;

  private constructor(application: string) {
    this.application = application;
    this.directory = join(application, 'node_modules', 'nestjs-redis-lock');
  }

  static async create(): Promise<PackedPackage> {
    const packed = new PackedPackage(await mkdtemp(join(tmpdir(), 'nestjs-redis-lock-app-')));
    await mkdir(packed.directory, { recursive: true });
    await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs')], { cwd: ROOT });
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', packed.application];
    await run('npm', args, { cwd: ROOT });
    await packed.#unpack();
    for (const peer of PEERS) {
      const target = join(ROOT, 'node_modules', peer);
      await symlink(target, join(packed.application, 'node_modules', peer));
    }
    return packed;
  }

  async manifest(): Promise<Manifest> {
    return JSON.parse(await readFile(join(this.directory, 'package.json'), 'utf8')) as Manifest;
  }

  /** Runs code in the application with node; resolves with what it printed. */
  async evaluate(code: string, inputType: 'module' | 'commonjs'): Promise<string> {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const args = [`--input-type=${inputType}`, '--eval', code];
    const { stdout } = await run(process.execPath, args, { cwd: this.application, env });
    return stdout.trim();
  }

  async remove(): Promise<void> {
    await rm(this.application, { recursive: true, force: true });
  }

  async #unpack(): Promise<void> {
    const { name, version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
    const tarball = join(this.application, `${name}-${version}.tgz`);
    await run('tar', ['-xzf', tarball, '-C', this.directory, '--strip-components=1']);
  }
}

export interface Manifest {
  readonly exports: Readonly<Record<string, ExportTarget>>;
}

/** A path, or conditions that lead to one. */
export type ExportTarget = string | { readonly [condition: string]: ExportTarget };
