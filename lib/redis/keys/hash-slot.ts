const SLOTS = 16_384;
const POLYNOMIAL = 0x1021;

/** CRC16 (XMODEM) of every byte. */
const CRC = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc;
});

/**
 * The Cluster slot of a text without a hash tag: CRC16 modulo 16384.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */
export function slotOf(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc = ((crc << 8) & 0xffff) ^ (CRC[(crc >> 8) ^ byte] ?? 0);
  }
  return crc % SLOTS;
}

/** The part of a key that Redis Cluster hashes, when it is not the whole. */
export function hashTag(key: string): string | undefined {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : undefined;
}

/** A short tag for each slot: the smallest whole number, in base 36, that hashes to it. */
export class SlotTags {
  readonly #tags = new Map<number, string>();
  #next = 0;

  of(slot: number): string {
    for (;;) {
      const tag = this.#tags.get(slot);
      if (tag !== undefined) return tag;
      const next = (this.#next++).toString(36);
      const its = slotOf(next);
      if (!this.#tags.has(its)) this.#tags.set(its, next);
    }
  }
}
