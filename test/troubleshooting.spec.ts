import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LIB = join(ROOT, 'lib');

/** Where a sentence is said that somebody may search for: errors, faults of options, lines of the log. */
const SAID_BY =
  /^(.*Error|.*\b(problems|faults)\.(push|add)|warnings\.add|.*logger\.(warn|error)|.*\bfaults?|.*\.write|.*\.?warn(ing)?|.*emitWarning)$/i;
/** Text that has three words in a row is a sentence, or the part of one that does not vary. */
const SENTENCE = /[A-Za-z@']+[ ,:]+[A-Za-z'`"]+ [A-Za-z'`"]+/;

/** The longest constant piece of every message in the source, by file. */
function messagesOf(path: string): string[] {
  const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const isSaid = ts.isNewExpression(node) || ts.isCallExpression(node);
    if (isSaid && SAID_BY.test(node.expression.getText(file))) {
      for (const argument of node.arguments ?? []) found.push(...sentencesIn(argument));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...new Set(found)];
}

/** One piece for each text: of a template, or a sum of texts, the longest without values. */
function sentencesIn(node: ts.Node): string[] {
  if (ts.isConditionalExpression(node)) {
    return [...sentencesIn(node.whenTrue), ...sentencesIn(node.whenFalse)];
  }
  if (
    ts.isStringLiteralLike(node) ||
    ts.isTemplateExpression(node) ||
    ts.isBinaryExpression(node)
  ) {
    const longest = piecesOf(node).sort((a, b) => b.length - a.length)[0] ?? '';
    return SENTENCE.test(longest) ? [longest.trim()] : [];
  }
  if (ts.isArrayLiteralExpression(node)) return node.elements.flatMap(sentencesIn);
  return [];
}

function piecesOf(node: ts.Node): string[] {
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isTemplateExpression(node)) {
    return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)];
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    const [left, right] = [piecesOf(node.left), piecesOf(node.right)];
    const joint = (left.pop() ?? '') + (right.shift() ?? '');
    return [...left, joint, ...right];
  }
  return [''];
}

describe('docs/troubleshooting.md', () => {
  const text = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8').replaceAll('\\|', '|');
  const sources = readdirSync(LIB, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(LIB, name));

  it('has every message of the source, by its longest constant piece', () => {
    const missing = sources.flatMap((path) =>
      messagesOf(path)
        .filter((message) => !text.includes(message))
        .map((message) => `${path.slice(LIB.length + 1)}: ${message}`),
    );

    expect(missing).toEqual([]);
  });

  it('is checked against a source that says something', () => {
    expect(sources.flatMap(messagesOf).length).toBeGreaterThan(40);
  });
});
