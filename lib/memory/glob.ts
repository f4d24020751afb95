/** A Redis glob (`*`, `?`, `[ab]`, `[^a]`, `\`) as a regular expression over the whole text. */
export function globToRegExp(glob: string): RegExp {
  const source = glob.replace(
    /\\(.)|\[(\^?)((?:\\.|[^\]])*)\]|[^]/gu,
    (part, escaped, negated, set) => {
      if (escaped !== undefined) return escapeRegExp(escaped as string);
      if (set !== undefined)
        return `[${negated as string}${(set as string).replace(/[[\]]/g, '\\$&')}]`;
      if (part === '*') return '[^]*';
      if (part === '?') return '[^]';
      return escapeRegExp(part);
    },
  );
  return new RegExp(`^${source}$`, 'u');
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
