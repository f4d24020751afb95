/** Keys as a message names them. */
export function quote(keys: readonly string[]): string {
  return keys.map((key) => JSON.stringify(key)).join(', ');
}

/** Keys without the empty one, which no lock can have: what is of no lock, as a list of all, is asked for under it. */
export function withoutNone(keys: readonly string[]): readonly string[] {
  return keys.filter((key) => key !== '');
}
