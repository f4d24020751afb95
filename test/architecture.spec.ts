import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const LIB = fileURLToPath(new URL('../lib', import.meta.url));
const MAX_LINES = 200;

/** What the files of a folder may import: folders of lib/ and packages. `.` is lib/index.ts. */
const MAY_IMPORT: Record<string, { folders: string[]; packages: RegExp[] }> = {
  '.': { folders: ['nest', 'redis', 'memory', 'engine'], packages: [] },
  nest: {
    folders: ['nest', 'redis', 'memory', 'engine'],
    packages: [/^node:/, /^@nestjs\//, /^rxjs(\/|$)/, /^reflect-metadata$/, /^ioredis$/],
  },
  redis: { folders: ['redis', 'engine'], packages: [/^node:/, /^ioredis$/] },
  memory: { folders: ['memory', 'engine'], packages: [/^node:/] },
  engine: { folders: ['engine'], packages: [/^node:/] },
  terminus: {
    folders: ['terminus', 'nest', 'engine'],
    packages: [/^node:/, /^@nestjs\//, /^rxjs(\/|$)/],
  },
  prometheus: {
    folders: ['prometheus', 'nest', 'engine'],
    packages: [/^node:/, /^@nestjs\//, /^rxjs(\/|$)/, /^prom-client$/],
  },
  board: {
    folders: ['board', 'nest', 'engine'],
    packages: [/^node:/, /^@nestjs\//, /^rxjs(\/|$)/],
  },
};

const sources = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readSource(join(LIB, name)))
  .sort((a, b) => a.path.localeCompare(b.path));

describe('lib', () => {
  it('has files in known folders only', () => {
    expect(sources).not.toHaveLength(0);
    expect(breaches((source) => (source.folder in MAY_IMPORT ? [] : [source.folder]))).toEqual([]);
  });

  it('imports downwards only: index → nest → redis, memory → engine', () => {
    const found = breaches(({ path, folder, imports }) =>
      imports
        .filter((name) => name.startsWith('.'))
        .filter((name) => !MAY_IMPORT[folder]?.folders.includes(folderOf(resolve(path, name)))),
    );

    expect(found).toEqual([]);
  });

  it('imports packages only where their folder is: Nest and RxJS in nest, ioredis in redis', () => {
    const found = breaches(({ folder, imports }) =>
      imports
        .filter((name) => !name.startsWith('.'))
        .filter((name) => !MAY_IMPORT[folder]?.packages.some((allowed) => allowed.test(name))),
    );

    expect(found).toEqual([]);
  });

  it('re-exports only in index.ts, by name', () => {
    const found = breaches(({ path, file }) =>
      file.statements
        .filter(ts.isExportDeclaration)
        .filter(({ moduleSpecifier, exportClause }) =>
          path === 'index.ts'
            ? exportClause === undefined || !ts.isNamedExports(exportClause)
            : moduleSpecifier !== undefined,
        )
        .map((statement) => statement.getText(file)),
    );

    expect(found).toEqual([]);
  });

  it('keeps Lua in redis/scripts', () => {
    const found = breaches(({ path, file }) =>
      path.startsWith('redis/scripts/')
        ? []
        : texts(file).filter((text) => /\bredis\.(p?call|sha1hex)\b/.test(text)),
    );

    expect(found).toEqual([]);
  });

  it('takes time and chance in the engine from clock.ts only', () => {
    const found = breaches(({ folder, path, file }) =>
      folder === 'engine' && path !== 'engine/time/clock.ts' ? impureCalls(file) : [],
    );

    expect(found).toEqual([]);
  });

  it(`has no file over ${MAX_LINES} lines`, () => {
    const found = breaches(({ file }) => {
      const lines = file.text.trimEnd().split('\n').length;
      return lines > MAX_LINES ? [`${lines} lines`] : [];
    });

    expect(found).toEqual([]);
  });

  it('documents every exported class and function', () => {
    const found = breaches(({ file }) =>
      file.statements
        .filter((node) => ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node))
        .filter((node) => isExported(node) && !isOverload(node, file))
        .filter((node) => ts.getJSDocCommentsAndTags(node).length === 0)
        .map((node) => node.name?.text ?? 'default'),
    );

    expect(found).toEqual([]);
  });

  it('has named exports only', () => {
    const found = breaches(({ file }) =>
      file.statements.filter((node) => ts.isExportAssignment(node) || isDefault(node)).map(String),
    );

    expect(found).toEqual([]);
  });
});

interface Source {
  /** Below lib/, with forward slashes. */
  readonly path: string;
  readonly folder: string;
  readonly file: ts.SourceFile;
  readonly imports: string[];
}

function readSource(absolute: string): Source {
  const path = relative(LIB, absolute).replaceAll('\\', '/');
  const text = readFileSync(absolute, 'utf8');
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return { path, folder: folderOf(path), file, imports: importsOf(file) };
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '.';
}

function resolve(path: string, name: string): string {
  return posix.normalize(posix.join(dirname(path), name));
}

/** Static, type-only and dynamic imports, `import('…')` types and re-exports. */
function importsOf(file: ts.SourceFile): string[] {
  const names: string[] = [];
  walk(file, (node) => {
    const specifier = specifierOf(node);
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) names.push(specifier.text);
  });
  return names;
}

function specifierOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return node.argument.literal;
  }
  if (ts.isExternalModuleReference(node)) return node.expression;
  if (!ts.isCallExpression(node)) return undefined;
  const { expression } = node;
  const isImport = expression.kind === ts.SyntaxKind.ImportKeyword;
  const isRequire = ts.isIdentifier(expression) && expression.text === 'require';
  return isImport || isRequire ? node.arguments[0] : undefined;
}

/** The text of every string and template: what comments say does not matter. */
function texts(file: ts.SourceFile): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      found.push(node.getText(file));
    }
  });
  return found;
}

const IMPURE_FUNCTIONS = /^(set|clear)(Timeout|Interval|Immediate)$|^(performance|Date)$/;
const IMPURE_MEMBERS = /^(Date\.now|performance\.now|Math\.random|process\.hrtime)$/;

/** Uses of timers, clocks and chance as values; `Date` and others may stand in types. */
function impureCalls(file: ts.SourceFile): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    if (ts.isPropertyAccessExpression(node) && IMPURE_MEMBERS.test(node.getText(file))) {
      found.push(node.getText(file));
    }
    const callee = ts.isCallExpression(node) || ts.isNewExpression(node) ? node.expression : null;
    if (callee !== null && IMPURE_FUNCTIONS.test(callee.getText(file))) {
      found.push(callee.getText(file));
    }
  });
  return found;
}

function isExported(node: ts.ClassDeclaration | ts.FunctionDeclaration): boolean {
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

/** A later overload, or the body, of a function that its first signature documents. */
function isOverload(node: ts.Statement, file: ts.SourceFile): boolean {
  if (!ts.isFunctionDeclaration(node)) return false;
  const first = file.statements.find(
    (other) => ts.isFunctionDeclaration(other) && other.name?.text === node.name?.text,
  );
  return first !== node;
}

function isDefault(node: ts.Statement): boolean {
  if (!ts.canHaveModifiers(node)) return false;
  return ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false;
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => walk(child, visit));
}

/** One line for each breach, so that a failure names file and reason. */
function breaches(check: (source: Source) => string[]): string[] {
  return sources.flatMap((source) => check(source).map((reason) => `${source.path}: ${reason}`));
}
