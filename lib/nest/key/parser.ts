/** A part of a key template: what stands between two braces. */
export interface TemplatePart {
  /** As written. */
  readonly text: string;
  /** Where the value comes from: a context part's name, or the position of an argument. */
  readonly root: string;
  readonly path: readonly string[];
}

const CONTEXT_ROOTS = ['params', 'query', 'body', 'headers', 'user', 'ip', 'data', 'gql'];

/** Those that are never one value. */
const COLLECTIONS: ReadonlySet<string> = new Set(['params', 'query', 'headers', 'gql']);

/** A literal brace, a part, a lone brace, or text without braces. */
const PIECES = /\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+/g;

/**
 * Cuts a key template into literal text and parts; neighbouring text is one piece.
 *
 * @param problems Receives what is wrong: a lone brace, an unknown part, a part without bounds, braces
 * doubled out of habit.
 */
export function parseTemplate(
  template: string,
  problems: string[],
): readonly (string | TemplatePart)[] {
  const faults: string[] = [];
  const pieces: (string | TemplatePart)[] = [];
  for (const [piece, inner] of template.matchAll(PIECES)) {
    if (inner !== undefined) pieces.push(parsePart(inner, faults));
    else addText(pieces, literal(piece, faults));
  }
  checkBounds(pieces, faults);
  checkBraces(template, pieces, faults);
  problems.push(...faults.map((fault) => `key template ${JSON.stringify(template)} ${fault}`));
  return pieces;
}

function parsePart(inner: string, faults: string[]): TemplatePart {
  const [root = '', ...path] = inner.split('.');
  if (!CONTEXT_ROOTS.includes(root) && !/^(0|[1-9]\d*)$/.test(root)) {
    const known = `${CONTEXT_ROOTS.join(', ')} or the position of an argument`;
    faults.push(`names "${inner}"; a part begins with ${known}.`);
  } else if (path.some((name) => name === '' || name === '__proto__')) {
    faults.push(`names "${inner}", which is no path to a property.`);
  } else if (path.length === 0 && COLLECTIONS.has(root)) {
    faults.push(`names "${inner}", which holds several values; name one, such as {${root}.id}.`);
  }
  // Node lower-cases the names of the headers that it receives.
  return { text: inner, root, path: root === 'headers' ? path.map(lowerCase) : path };
}

/** A doubled brace is the brace itself. */
function literal(piece: string, faults: string[]): string {
  if (piece === '{{' || piece === '}}') return piece.slice(1);
  if (piece === '{' || piece === '}') {
    faults.push(`has a lone "${piece}"; write "${piece}${piece}" for the character itself.`);
  }
  return piece;
}

function lowerCase(name: string): string {
  return name.toLowerCase();
}

function addText(pieces: (string | TemplatePart)[], text: string): void {
  const last = pieces.at(-1);
  if (typeof last === 'string') pieces[pieces.length - 1] = last + text;
  else pieces.push(text);
}

/** Values hold no `:`, so that what stands between two of them can't be taken for anything else. */
function checkBounds(pieces: readonly (string | TemplatePart)[], faults: string[]): void {
  for (const [index, piece] of pieces.entries()) {
    if (typeof piece === 'string') continue;
    const before = index === 0 ? ':' : pieces[index - 1];
    const after = index === pieces.length - 1 ? ':' : pieces[index + 1];
    if (!endsWithColon(before) || !beginsWithColon(after)) {
      faults.push(`must separate {${piece.text}} from what stands beside it by ":".`);
    }
  }
}

/** In other template languages doubled braces are a part; here such a key is the same for every call. */
function checkBraces(
  template: string,
  pieces: readonly (string | TemplatePart)[],
  faults: string[],
): void {
  if (pieces.some((piece) => typeof piece === 'object')) return;
  const [word] = /\{\{\s*[\w.$-]+\s*\}\}/.exec(template) ?? [];
  if (word === undefined) return;
  faults.push(
    `has "${word}", which is text and the same for every call; a part has single braces, such as ` +
      '{params.id} or {0}.',
  );
}

function endsWithColon(piece: string | TemplatePart | undefined): boolean {
  return typeof piece === 'string' && piece.endsWith(':');
}

function beginsWithColon(piece: string | TemplatePart | undefined): boolean {
  return typeof piece === 'string' && piece.startsWith(':');
}
