/** Whether one byte fits one place of a pattern. */
type Place = '*' | ((byte: number) => boolean);

/**
 * A glob as Redis reads it (`*`, `?`, `[ab]`, `[a-z]`, `[^a]`, `\`), over the bytes of the whole text:
 * a range may be given backwards, and a class that is not closed ends with the pattern.
 *
 * @returns Whether a text matches.
 */
export function globMatcher(glob: string): (text: string) => boolean {
  const places = parse(bytesOf(glob));
  return (text) => matches(places, bytesOf(text));
}

function matches(places: readonly Place[], bytes: readonly number[]): boolean {
  let place = 0;
  let star = -1;
  let starAt = 0;
  for (let at = 0; at < bytes.length;) {
    const here = places[place];
    if (here === '*') {
      star = place++;
      starAt = at;
    } else if (here?.(bytes[at] as number) === true) {
      place += 1;
      at += 1;
    } else if (star >= 0) {
      // The last star takes one more.
      place = star + 1;
      at = ++starAt;
    } else return false;
  }
  return places.slice(place).every((rest) => rest === '*');
}

function parse(glob: readonly number[]): Place[] {
  const places: Place[] = [];
  for (let at = 0; at < glob.length; at += 1) {
    const char = String.fromCharCode(glob[at] as number);
    if (char === '*') places.push('*');
    else if (char === '?') places.push(() => true);
    else if (char === '[') {
      const [fits, end] = readClass(glob, at + 1);
      places.push(fits);
      at = end;
    } else {
      if (char === '\\' && at + 1 < glob.length) at += 1;
      const literal = glob[at];
      places.push((byte) => byte === literal);
    }
  }
  return places;
}

/** Reads a class from behind its `[`; returns it and where it ends. */
function readClass(glob: readonly number[], begin: number): [(byte: number) => boolean, number] {
  const is = (at: number, char: string): boolean => glob[at] === char.charCodeAt(0);
  const ranges: [number, number][] = [];
  const isNegated = is(begin, '^');
  let at = isNegated ? begin + 1 : begin;
  for (; at < glob.length; at += 1) {
    if (is(at, '\\') && at + 1 < glob.length) at += 1;
    else if (is(at, ']')) break;
    else if (at + 2 < glob.length && is(at + 1, '-')) {
      ranges.push([glob[at] as number, glob[at + 2] as number]);
      at += 2;
      continue;
    }
    ranges.push([glob[at] as number, glob[at] as number]);
  }
  const fits = (byte: number): boolean =>
    ranges.some(([a, b]) => byte >= Math.min(a, b) && byte <= Math.max(a, b));
  return [(byte) => fits(byte) !== isNegated, at];
}

/** Signed, as Redis compares them. */
function bytesOf(text: string): number[] {
  return [...new Int8Array(Buffer.from(text))];
}
