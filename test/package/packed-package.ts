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

export interface PackedPackageOptions {
  /** The node_modules whose packages the application has. @default those of the repository */
  readonly modules?: string;
  /** Which of them. @default the library's peers */
  readonly names?: readonly string[];
  /** The library, packed before. @default it is packed */
  readonly tarball?: string;
}

const run = promisify(execFile);

/**
 * The package as a user gets it: built, packed with npm and unpacked into the node_modules of
 * an empty application, whose other packages are links to ones that are installed.
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

  static async create({
    modules = join(ROOT, 'node_modules'),
    names = PEERS,
    tarball,
  }: PackedPackageOptions = {}): Promise<PackedPackage> {
    const packed = new PackedPackage(await mkdtemp(join(tmpdir(), 'nestjs-redis-lock-app-')));
    await mkdir(packed.directory, { recursive: true });
    const file = tarball ?? (await packLibrary(packed.application));
    await run('tar', ['-xzf', file, '-C', packed.directory, '--strip-components=1']);
    for (const name of names) {
      await symlink(join(modules, name), join(packed.application, 'node_modules', name));
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
}

/** Builds the library if need be and packs it into `folder`; resolves with the path of the file. */
export async function packLibrary(folder: string): Promise<string> {
  await run(process.execPath, [join(ROOT, 'scripts', 'build.mjs')], { cwd: ROOT });
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const { stdout } = await run('npm', args, { cwd: ROOT });
  return join(folder, stdout.trim().split('\n').at(-1) ?? '');
}

export interface Manifest {
  readonly exports: Readonly<Record<string, ExportTarget>>;
}

/** A path, or conditions that lead to one. */
export type ExportTarget = string | { readonly [condition: string]: ExportTarget };
