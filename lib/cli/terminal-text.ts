/** What moves a cursor, colours, hides or reorders text: control and format characters, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Text of others that a terminal shows as it is and does not obey: keys and labels are hostile input. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${hexOf(character)}}`);
}

/** JSON without a character that a terminal would obey; `JSON.stringify` leaves some as they are. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, (character) =>
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function hexOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}
