import { randomBytes } from 'node:crypto';
import { EXCLUSIVE } from '../api/capacity.js';
import { OWN_HOST } from '../api/lock-holder.js';

/**
 * The proof of being the holder, new for each attempt and never used twice:
 * `<boot 16>.<claim 4>.<fences 4>.<n>.<pid>.<host>.<label>`, with `C<capacity 7>.` before `n` where
 * more than one may hold the key.
 *
 * The first fields have a fixed width because the scripts cut them out. Host and label are
 * percent-encoded, so that a token is ASCII without spaces.
 */
export interface TokenFacts {
  readonly boot: string;
  readonly pid: number;
  readonly host: string;
  readonly label: string;
}

/** The longest lease of a lock that was handed over and not yet renewed, in milliseconds. */
export const MAX_CLAIM_MS = 2000;
/** Labels are for people; what is longer is cut. */
const MAX_LABEL = 100;
const TOKEN = /^([\w-]{16})\.\d{4}\.\d{4}\.(?:C\d{7}\.)?[0-9a-z]+\.(\d+)\.([^.]*)\.([^ ]*)$/;

/** Makes the tokens of one process (one `LockManager`). */
export class TokenMint {
  /** 96 random bits that name this process in Redis. */
  readonly boot = randomBytes(12).toString('base64url');
  readonly #tail = `.${process.pid}.${encode(OWN_HOST)}.`;
  readonly #labels = new Map<string, string>();
  #n = 0;

  /**
   * @param claim Lease of a grant, in milliseconds; at most {@link MAX_CLAIM_MS}.
   * @param fences Fencing numbers that a grant reserves, 1 to 9999.
   * @param capacity How many may hold the key beside each other.
   */
  next(claim: number, fences: number, label: string, capacity = EXCLUSIVE): string {
    const kind = capacity === EXCLUSIVE ? '' : `C${String(capacity).padStart(7, '0')}.`;
    const n = kind + (this.#n++).toString(36);
    return `${this.boot}.${pad(claim)}.${pad(fences)}.${n}${this.#tail}${this.#encoded(label)}`;
  }

  #encoded(label: string): string {
    if (label === '') return '';
    let encoded = this.#labels.get(label);
    if (encoded === undefined) {
      encoded = encode(label.slice(0, MAX_LABEL));
      if (this.#labels.size >= 1000) this.#labels.clear();
      this.#labels.set(label, encoded);
    }
    return encoded;
  }
}

/** Lease of a grant for a caller with this `ttl`. */
export function claimOf(ttl: number): number {
  return Math.min(Math.floor(ttl), MAX_CLAIM_MS);
}

/** Whether a value has the form of our tokens. */
export function isToken(value: string): boolean {
  return TOKEN.test(value);
}

/** Reads a token back; `undefined` for a value that is none of ours. */
export function readToken(value: string): TokenFacts | undefined {
  const [, boot, pid, host, label] = TOKEN.exec(value) ?? [];
  if (boot === undefined || pid === undefined || host === undefined || label === undefined)
    return undefined;
  try {
    return {
      boot,
      pid: Number(pid),
      host: decodeURIComponent(host),
      label: decodeURIComponent(label),
    };
  } catch {
    return undefined;
  }
}

/** The process of a token: fixed-width fields, as the scripts cut them out. */
export function bootOf(token: string): string {
  return token.slice(0, 16);
}

/** The lease of a grant to this token, in milliseconds. */
export function claimIn(token: string): number {
  return Number(token.slice(17, 21));
}

/** How many fencing numbers a grant to this token reserves. */
export function fencesIn(token: string): number {
  return Number(token.slice(22, 26));
}

/** How many may hold the key beside this token, itself included. */
export function capacityIn(token: string): number {
  return token[27] === 'C' ? Number(token.slice(28, 35)) : EXCLUSIVE;
}

function pad(value: number): string {
  return String(value).padStart(4, '0');
}

/** Percent-encodes; a lone surrogate, which has no encoding, becomes U+FFFD. The host's dots go too. */
function encode(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString()).replaceAll('.', '%2E');
}
