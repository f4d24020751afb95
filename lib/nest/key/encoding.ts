/** What stands for itself: letters and digits of every script, and four signs. */
const ENCODED = /[^\p{L}\p{Nd}_.~-]/gu;

/**
 * Percent-encodes the value of a template's part, so that it holds no `:` of its own and no value
 * reaches the key of another template.
 */
export function encodePart(value: string): string {
  return value.replace(ENCODED, (character) =>
    [...Buffer.from(character)].map((byte) => `%${hex(byte)}`).join(''),
  );
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
