const SLOTS = 16_384;
const POLYNOMIAL = 0x1021;

/**
 * The Cluster slot of a text without a hash tag: CRC16 (XMODEM) modulo 16384.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
 */
export function slotOf(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = crc & 0x8000 ? ((crc << 1) ^ POLYNOMIAL) & 0xffff : (crc << 1) & 0xffff;
    }
  }
  return crc % SLOTS;
}

/** The smallest whole number, written in base 36, whose slot is `slot`: a short tag for it. */
export function tagOfSlot(slot: number): string {
  for (let n = 0; ; n += 1) {
    const tag = n.toString(36);
    if (slotOf(tag) === slot) return tag;
  }
}
