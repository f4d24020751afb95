import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const LIB = fileURLToPath(new URL('../lib', import.meta.url));
const MAX_LINES = 200;
const MAX_QUORUM_LINES = 1300;
/** Modules that are what users import, and nothing else. */
const ENTRY_POINTS = new Set(['index.ts', 'testing/index.ts']);

interface Folder {
  /** Folders of lib/ whose files it may import, beside its own. */
  readonly folders: readonly string[];
  /** Packages it may import, beside Node's own modules. */
  readonly packages?: readonly RegExp[];
}

const NEST = [/^@nestjs\/(common|core)$/, /^rxjs(\/|$)/];
const REDIS = [/^ioredis$/];

/** Every folder of lib/, from the ground up, and what stands below it. `.` is lib/index.ts. */
const FOLDERS: Record<string, Folder> = {
  'engine/time': { folders: [] },
  'engine/api': { folders: [] },
  'engine/store': { folders: ['engine/api', 'engine/time'] },
  'engine/queue': { folders: ['engine/api', 'engine/time'] },
  'engine/acquire': { folders: ['engine/api', 'engine/time', 'engine/store'] },
  'engine/reentry': { folders: ['engine/api', 'engine/time', 'engine/store', 'engine/queue'] },
  'engine/hold': {
    folders: ['engine/api', 'engine/time', 'engine/store', 'engine/queue', 'engine/reentry'],
  },
  'engine/gate': {
    folders: [
      ...['engine/api', 'engine/time', 'engine/store', 'engine/queue'],
      ...['engine/acquire', 'engine/hold'],
    ],
  },
  'engine/set': {
    folders: [
      ...['engine/api', 'engine/time', 'engine/store', 'engine/queue', 'engine/reentry'],
      ...['engine/hold', 'engine/gate'],
    ],
  },
  engine: {
    folders: [
      ...['engine/api', 'engine/time', 'engine/store', 'engine/reentry'],
      ...['engine/gate', 'engine/set'],
    ],
  },
  memory: { folders: ['engine/api', 'engine/time', 'engine/store'] },
  'redis/keys': { folders: [] },
  'redis/connection': { folders: [], packages: REDIS },
  'redis/client': {
    folders: ['engine/api', 'engine/time', 'engine/store', 'redis/connection'],
    packages: REDIS,
  },
  'redis/scripts': {
    folders: ['engine/api', 'engine/time', 'engine/store', 'redis/client'],
    packages: REDIS,
  },
  'redis/servers': {
    folders: [
      ...['engine/api', 'engine/time', 'engine/store'],
      ...['redis/client', 'redis/keys', 'redis/scripts'],
    ],
    packages: REDIS,
  },
  'redis/cluster': {
    folders: [
      ...['engine/api', 'engine/time', 'engine/store'],
      ...['redis/connection', 'redis/client', 'redis/keys', 'redis/servers'],
    ],
    packages: REDIS,
  },
  'redis/store': {
    folders: [
      ...['engine/api', 'engine/time', 'engine/store'],
      ...['redis/client', 'redis/keys', 'redis/scripts', 'redis/servers'],
    ],
  },
  'redis/quorum': {
    folders: [
      ...['engine/api', 'engine/time', 'engine/store'],
      ...['redis/client', 'redis/scripts', 'redis/store'],
    ],
  },
  redis: {
    folders: [
      ...['engine/api', 'engine/time', 'engine/store', 'redis/connection', 'redis/client'],
      ...['redis/servers', 'redis/cluster', 'redis/store', 'redis/quorum'],
    ],
  },
  'nest/transport': { folders: [], packages: NEST },
  'nest/errors': {
    folders: ['engine/api', 'nest/transport'],
    packages: [...NEST, /^@nestjs\/(microservices|websockets)$/],
  },
  'nest/key': { folders: ['engine/api', 'nest/errors', 'nest/transport'], packages: NEST },
  'nest/result': { folders: ['engine/api'], packages: NEST },
  'nest/service': {
    folders: [
      ...['engine', 'engine/api', 'engine/store', 'memory', 'nest/errors'],
      ...['redis', 'redis/connection', 'redis/cluster', 'redis/servers'],
    ],
    packages: [...NEST, ...REDIS],
  },
  'nest/locked': {
    folders: [
      ...['engine', 'engine/api'],
      ...['nest/errors', 'nest/key', 'nest/result', 'nest/service'],
    ],
    packages: NEST,
  },
  'nest/handler': {
    folders: [
      ...['engine/api', 'engine/reentry'],
      ...['nest/errors', 'nest/key', 'nest/result', 'nest/service', 'nest/locked'],
      ...['nest/transport'],
    ],
    packages: NEST,
  },
  'nest/start-check': {
    folders: ['engine/api', 'nest/key', 'nest/service', 'nest/locked', 'nest/handler'],
    packages: NEST,
  },
  nest: {
    folders: [
      ...['engine/api', 'nest/errors', 'nest/key', 'nest/service', 'nest/locked'],
      ...['nest/handler', 'nest/start-check'],
    ],
    packages: NEST,
  },
  prometheus: {
    folders: ['engine/api', 'nest/service'],
    packages: [...NEST, /^prom-client$/],
  },
  tracing: {
    folders: ['engine/api', 'nest/service'],
    packages: [...NEST, /^@opentelemetry\/api$/],
  },
  terminus: {
    folders: ['engine/store', 'nest/service'],
    packages: [...NEST, /^@nestjs\/terminus$/],
  },
  cli: { folders: ['engine/api', 'nest/service', 'redis/connection'] },
  'board/page': { folders: [] },
  board: {
    folders: ['engine/api', 'engine/store', 'nest/service', 'nest/transport', 'board/page'],
    packages: NEST,
  },
  '.': {
    folders: ['engine/api', 'nest', 'nest/errors', 'nest/key', 'nest/locked', 'nest/service'],
  },
  testing: {
    folders: ['engine/api', 'engine/store', 'engine/time', 'memory', 'nest', 'nest/service', '.'],
    packages: NEST,
  },
};

const sources = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readSource(join(LIB, name)))
  .sort((a, b) => a.path.localeCompare(b.path));

describe('lib', () => {
  it('has the folders of the table, no other', () => {
    expect(sources).not.toHaveLength(0);
    expect([...new Set(sources.map(({ folder }) => folder))].sort()).toEqual(
      Object.keys(FOLDERS).sort(),
    );
  });

  it('imports downwards only: each folder what the table says', () => {
    const found = breaches(({ path, folder, imports }) =>
      imports
        .filter((name) => name.startsWith('.'))
        .map((name) => folderOf(resolve(path, name)))
        .filter((target) => target !== folder && !FOLDERS[folder]?.folders.includes(target)),
    );

    expect(found).toEqual([]);
  });

  it('has a table without a circle: a folder names only those above it in the list', () => {
    const names = Object.keys(FOLDERS);
    const upward = names.flatMap((name, i) =>
      (FOLDERS[name]?.folders ?? [])
        .filter((target) => names.indexOf(target) < 0 || names.indexOf(target) >= i)
        .map((target) => `${name} → ${target}`),
    );

    expect(upward).toEqual([]);
  });

  it('has no circle of files, by types neither', () => {
    expect(circles(new Map(sources.map(({ path, targets }) => [path, targets])))).toEqual([]);
  });

  it('imports packages only where their folder is: Nest and RxJS in nest, ioredis in redis', () => {
    const found = breaches(({ folder, imports }) =>
      imports
        .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
        .filter((name) => !FOLDERS[folder]?.packages?.some((allowed) => allowed.test(name))),
    );

    expect(found).toEqual([]);
  });

  it('re-exports only in entry points, by name', () => {
    const found = breaches(({ path, file }) =>
      file.statements
        .filter(ts.isExportDeclaration)
        .filter(({ moduleSpecifier, exportClause }) =>
          ENTRY_POINTS.has(path)
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

  it('takes time and chance from clock.ts only, in the engine and beside the sockets', () => {
    const found = breaches(({ folder, path, file }) =>
      CLOCKED.test(folder) && path !== 'engine/time/clock.ts' ? impureCalls(file) : [],
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

  it(`keeps redis/quorum within ${MAX_QUORUM_LINES} lines, so that one can change it in a day`, () => {
    const lines = sources
      .filter(({ folder }) => folder === 'redis/quorum')
      .map(({ file }) => file.text.trimEnd().split('\n').length);

    expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(MAX_QUORUM_LINES);
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
  /** The files of lib/ that it imports. */
  readonly targets: string[];
}

function readSource(absolute: string): Source {
  const path = relative(LIB, absolute).replaceAll('\\', '/');
  const text = readFileSync(absolute, 'utf8');
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports = importsOf(file);
  const targets = imports.filter((name) => name.startsWith('.')).map((name) => resolve(path, name));
  return { path, folder: folderOf(path), file, imports, targets };
}

function folderOf(path: string): string {
  return posix.dirname(path);
}

function resolve(path: string, name: string): string {
  return posix.normalize(posix.join(dirname(path), name)).replace(/\.js$/, '.ts');
}

/** Every circle that a walk along the imports finds, as the files on it. */
function circles(importsOfFile: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const way: string[] = [];
  const visit = (path: string): void => {
    const begin = way.indexOf(path);
    if (begin >= 0) found.push([...way.slice(begin), path].join(' → '));
    if (begin >= 0 || done.has(path)) return;
    way.push(path);
    for (const target of importsOfFile.get(path) ?? []) visit(target);
    way.pop();
    done.add(path);
  };
  for (const path of importsOfFile.keys()) visit(path);
  return found;
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

/** Folders that run on a test's clock as well as on the real one. */
const CLOCKED = /^(engine|redis\/(client|servers|cluster|scripts|store|quorum))\b/;
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
