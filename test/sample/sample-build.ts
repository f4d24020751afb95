import { type ChildProcess, spawn } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

import { reapAtExit } from '../support/reaper.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** How a program ended and what it printed. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that runs; `ended` never rejects. */
export interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<ProgramEnd>;
}

/** The sample's programs, built as `npm start` builds them, into a folder of this process. */
export class SampleBuild {
  private constructor(private readonly folder: string) {}

  static async make(): Promise<SampleBuild> {
    const build = new SampleBuild(`dist.sample-${process.pid}`);
    await succeed(['scripts/build.mjs']);
    const tsc = 'node_modules/typescript/bin/tsc';
    await succeed([tsc, '-p', 'tsconfig.sample.json', '--outDir', build.folder]);
    const page = 'sample-app/page/public';
    await cp(`${root}/${page}`, `${root}/${build.folder}/${page}`, { recursive: true });
    return build;
  }

  /** Starts `main` or `storm`. */
  start(program: 'main' | 'storm', args: string[], env: Record<string, string> = {}): Program {
    return run([`${this.folder}/sample-app/${program}.js`, ...args], env);
  }

  /** Runs a program to its end. */
  async run(
    program: 'main' | 'storm',
    args: string[],
    env: Record<string, string> = {},
  ): Promise<ProgramEnd> {
    return this.start(program, args, env).ended;
  }

  async remove(): Promise<void> {
    await rm(`${root}/${this.folder}`, { recursive: true, force: true });
  }
}

async function succeed(args: string[]): Promise<void> {
  const { code, stdout, stderr } = await run(args, {}).ended;
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}\n${stdout}${stderr}`);
}

function run(args: string[], env: Record<string, string>): Program {
  const { NODE_OPTIONS: _, REDIS_URL: __, PORT: ___, ...inherited } = process.env;
  const child = reapAtExit(
    spawn(process.execPath, args, {
      cwd: root,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const ended = Promise.all([exited, text(child.stdout), text(child.stderr)]).then(
    ([code, stdout, stderr]) => ({ code, stdout, stderr }),
  );
  return { child, ended };
}

/** Resolves with what matched as soon as the program has printed it; rejects when it ends before. */
export function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let seen = '';
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      seen += String(chunk);
      const match = pattern.exec(seen);
      if (match !== null) resolve(match);
    });
    child.once('close', () =>
      reject(new Error(`It ended without ${pattern}, and printed:\n${seen}`)),
    );
  });
}
