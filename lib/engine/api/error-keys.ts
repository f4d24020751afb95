/** Keys as a message names them. */
export function quote(keys: readonly string[]): string {
  return keys.map((key) => JSON.stringify(key)).join(', ');
}

/** What is asked for no lock in particular, as by `list()`, goes by the empty key, which no lock can have: left out here. */
export function withoutNone(keys: readonly string[]): readonly string[] {
  return keys.filter((key) => key !== '');
}
