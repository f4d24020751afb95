import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

import { compile, compilerOptions, type Snippet } from './support/snippets.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Files behind the entries of the package. */
const ENTRIES: Readonly<Record<string, string>> = {
  'nestjs-redis-lock': 'lib/index.ts',
  'nestjs-redis-lock/board': 'lib/board/lock-board.module.ts',
  'nestjs-redis-lock/prometheus': 'lib/prometheus/lock-metrics.module.ts',
  'nestjs-redis-lock/terminus': 'lib/terminus/lock-health.indicator.ts',
  'nestjs-redis-lock/testing': 'lib/testing/index.ts',
  'nestjs-redis-lock/tracing': 'lib/tracing/lock-tracing.module.ts',
};
/** What applications call; the other names are made, thrown, handed over. */
const CALLED = new Set([
  'Lock',
  'LockHealthIndicator',
  'LockService',
  'LockTesting',
  'RedisLockModule',
]);
/** Nest calls it. */
const HOOK = 'onApplicationShutdown';
/** What an example may use of the application around it. */
const AROUND = `
import type { CanActivate, INestApplication, Type } from '@nestjs/common';
import { ConfigService } from '@nestjs/config';
import type { HealthCheckService } from '@nestjs/terminus';
import { Test, type TestingModule } from '@nestjs/testing';
import { Registry } from 'prom-client';
declare const AdminGuard: Type<CanActivate>;
declare const app: INestApplication;
declare const error: unknown;
declare const fetchToken: () => Promise<string>;
declare const health: HealthCheckService;
declare const indicator: LockHealthIndicator;
declare const lock: Lock;
declare const locks: LockService;
declare const module: TestingModule;
declare const save: (fence: number) => Promise<void>;
declare const testing: LockTesting;
declare const ticket: string;
`;

interface Documented {
  readonly entry: string;
  readonly name: string;
  readonly isType: boolean;
  /** Of the name itself and of its members. */
  readonly examples: readonly ts.JSDocTagInfo[];
  readonly own: number;
  /** Methods for applications that have none. */
  readonly bare: readonly string[];
}

const documented = documentedNames();

describe('names that the package exports', () => {
  it('have an @example, each', () => {
    const without = documented.filter(({ own }) => own === 0);

    expect(without.map(({ entry, name }) => `${name} of ${entry}`)).toEqual([]);
  });

  it('have an @example for each method that an application calls', () => {
    const bare = documented
      .filter(({ name }) => CALLED.has(name))
      .flatMap((one) => one.bare.map((method) => `${one.name}.${method}`));

    expect(bare).toEqual([]);
  });

  const snippets = documented.flatMap(snippetsOf);
  let diagnosticsOf: ((snippet: Snippet) => string[]) | undefined;
  it.each(snippets.map((snippet) => [snippet.page, snippet] as const))(
    '%s compiles',
    (_, snippet) => {
      diagnosticsOf ??= compile(snippets);

      expect(diagnosticsOf(snippet)).toEqual([]);
    },
    300_000,
  );
});

function documentedNames(): Documented[] {
  const files = Object.values(ENTRIES).map((file) => join(ROOT, file));
  const program = ts.createProgram(files, compilerOptions());
  const checker = program.getTypeChecker();
  return Object.entries(ENTRIES).flatMap(([entry, file]) => {
    const source = program.getSourceFile(join(ROOT, file))!;
    const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source)!);
    return exported.map((symbol): Documented => {
      const target =
        symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
      const members = [...(target.members?.values() ?? []), ...(target.exports?.values() ?? [])];
      const [own, ...others] = [target, ...members].map((part) => examplesOf(part, checker));
      const isType = (target.flags & ts.SymbolFlags.Value) === 0;
      const examples = [...own!, ...others.flat()];
      const bare = members
        .filter(isCalled)
        .filter((part) => examplesOf(part, checker).length === 0);
      const methods = bare.map((part) => part.name);
      return { entry, name: symbol.name, isType, examples, own: own!.length, bare: methods };
    });
  });
}

/** Whether a member is a public method. */
function isCalled({ name, flags, declarations = [] }: ts.Symbol): boolean {
  if ((flags & ts.SymbolFlags.Method) === 0 || name.startsWith('__') || name === HOOK) return false;
  return declarations.every(
    (declaration) =>
      (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) === 0 &&
      !ts.getJSDocTags(declaration).some((tag) => tag.tagName.text === 'internal'),
  );
}

function examplesOf(symbol: ts.Symbol, checker: ts.TypeChecker): ts.JSDocTagInfo[] {
  return symbol.getJsDocTags(checker).filter((tag) => tag.name === 'example');
}

/**
 * As editors show it: one that has decorators is one line between backticks, or they would end it.
 * In a block, where its names may be those of what is around it.
 */
function snippetsOf({ entry, name, examples }: Documented): Snippet[] {
  return examples.map((tag, i) => {
    const text = ts
      .displayPartsToString(tag.text)
      .trim()
      .replace(/^`(.*)`$/, '$1');
    const path = join(ROOT, 'docs', `${entry.replace('/', '-')}-${name}-${i}.snippet.ts`);
    const imports = AROUND + importsOf();
    const page = `@example ${i + 1} of ${name} of ${entry}`;
    return { page, line: -imports.split('\n').length, path, code: `${imports}\n{\n${text}\n}\n` };
  });
}

function importsOf(): string {
  return Object.keys(ENTRIES)
    .map((entry) => {
      const names = documented.filter((one) => one.entry === entry);
      const list = names.map(({ name, isType }) => (isType ? `type ${name}` : name));
      return `import { ${list.join(', ')} } from '${entry}';`;
    })
    .join('\n');
}
