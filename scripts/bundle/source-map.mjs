import { decode, encode } from '@jridgewell/sourcemap-codec';

/**
 * One source map for bundles that stand one below the other.
 *
 * @param {readonly { map: object; line: number }[]} parts Each with its first line in the file, from 0.
 * @param {(source: string) => string | undefined} rename `undefined` for what is no file.
 */
export function joinMaps(parts, rename) {
  const sources = [];
  const sourcesContent = [];
  const lines = [];
  const place = (source, content) => {
    if (source === undefined) return undefined;
    const known = sources.indexOf(source);
    const isKnown = known >= 0 && sourcesContent[known] === content;
    if (!isKnown) sourcesContent.push(content);
    return { at: isKnown ? known : sources.push(source) - 1, text: content.split('\n') };
  };
  for (const { map, line } of parts) {
    const places = map.sources.map((source, i) =>
      place(rename(source), shortened(map.sourcesContent[i])),
    );
    for (const [i, segments] of decode(map.mappings).entries()) {
      lines[line + i] = oneForEachLine(segments, places);
    }
  }
  const mappings = encode(Array.from(lines, (segments) => segments ?? []));
  return { version: 3, sources, sourcesContent, names: [], mappings };
}

/** Keeps what tells lines of more than brackets apart: a quarter of the size, and as good for a stack trace. */
function oneForEachLine(segments, places) {
  const kept = [];
  let last = [];
  for (const [column, ...place] of segments) {
    if (place.length === 0) continue;
    const [source, line] = place;
    if (source === last[0] && line === last[1]) continue;
    const { at, text } = places[source] ?? {};
    if (text !== undefined && !/\w/.test(text[line])) continue;
    last = place;
    kept.push(at === undefined ? [column] : [column, at, line, 0]);
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
