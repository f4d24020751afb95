import { decode, encode } from '@jridgewell/sourcemap-codec';

/**
 * One source map for bundles that stand one below the other.
 *
 * @param {readonly { map: object; line: number }[]} parts Each with its first line in the file, from 0.
 * @param {(source: string) => string} rename
 */
export function joinMaps(parts, rename) {
  const sources = [];
  const sourcesContent = [];
  const lines = [];
  for (const { map, line } of parts) {
    const first = sources.length;
    sources.push(...map.sources.map(rename));
    sourcesContent.push(...map.sourcesContent.map(shortened));
    for (const [i, segments] of decode(map.mappings).entries()) {
      lines[line + i] = oneForEachLine(segments, first);
    }
  }
  const mappings = encode(Array.from(lines, (segments) => segments ?? []));
  return { version: 3, sources, sourcesContent, names: [], mappings };
}

/** Keeps what tells lines apart: a quarter of the size, and as good for a stack trace. */
function oneForEachLine(segments, first) {
  const kept = [];
  let last = [];
  for (const [column, ...place] of segments) {
    if (place.length === 0) continue;
    const [source, line] = place;
    if (source === last[0] && line === last[1]) continue;
    last = place;
    kept.push([column, first + source, line, 0]);
  }
  return kept;
}

/** What `factory.mjs` adds to keep the names of classes and functions. */
const NAMES = / ?static \{ __named\(.+?\); \}|^__named\(.+\);$/gm;

/** The compiler's text without its indentation and imports, and what we added: none of it moves a line. */
function shortened(text) {
  return text
    .replaceAll(/^ +/gm, '')
    .replaceAll(/^import [^;]*;$/gm, '')
    .replaceAll(NAMES, '');
}
