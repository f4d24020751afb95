import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What test runners give to every file. */
const RUNNER = {
  path: join(ROOT, 'docs', 'runner.snippet.ts'),
  code: `declare global {
    const expect: typeof import('@jest/globals').expect;
    const it: typeof import('@jest/globals').it;
  }
  export {};`,
};
/** Code of a page or of a comment. */
export interface Snippet {
  /** Where it is written: a file, below the root. */
  readonly page: string;
  /** Line of its first line of code there, from 1. */
  readonly line: number;
  /** The file that the compiler believes to read it from. */
  readonly path: string;
  readonly code: string;
}

/** One program over all snippets, in memory, with the package's name mapped to lib/. */
export function compile(all: readonly Snippet[]): (snippet: Snippet) => string[] {
  const options = compilerOptions();
  const host = ts.createCompilerHost(options, true);
  const codes = new Map([
    [RUNNER.path, RUNNER.code],
    ...all.map(({ path, code }) => [path, code] as const),
  ]);
  host.fileExists = (path) => codes.has(path) || ts.sys.fileExists(path);
  host.readFile = (path) => codes.get(path) ?? ts.sys.readFile(path);
  const program = ts.createProgram([...codes.keys()], options, host);
  return (snippet) => {
    const file = program.getSourceFile(snippet.path);
    return [
      ...program.getOptionsDiagnostics(),
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ].map((diagnostic) => describeFault(diagnostic, snippet));
  };
}

export function compilerOptions(): ts.CompilerOptions {
  const path = join(ROOT, 'tsconfig.json');
  const { config } = ts.readConfigFile(path, (name) => ts.sys.readFile(name));
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, ROOT);
  return {
    ...options,
    moduleDetection: ts.ModuleDetectionKind.Force,
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
}

function describeFault({ file, start, messageText }: ts.Diagnostic, snippet: Snippet): string {
  const text = ts.flattenDiagnosticMessageText(messageText, '\n');
  if (file === undefined || start === undefined) return text;
  const line = snippet.line + file.getLineAndCharacterOfPosition(start).line;
  return `${snippet.page}:${line} ${text}`;
}
