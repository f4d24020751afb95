/** What a Redis server keeps, as far as the scripts use it: strings and sorted sets that expire by its own clock. */
export class Keyspace {
  readonly #strings = new Map<string, { value: string; until: number }>();
  readonly #sets = new Map<string, { scores: Map<string, number>; until: number }>();

  /** @param now The server's clock, in milliseconds. */
  constructor(private readonly now: () => number) {}

  get(key: string): string | undefined {
    const entry = this.#strings.get(key);
    if (entry === undefined || entry.until > this.now()) return entry?.value;
    this.#strings.delete(key);
    return undefined;
  }

  set(key: string, value: string, px = Infinity): void {
    this.#strings.set(key, { value, until: this.now() + px });
  }

  exists(key: string): boolean {
    return this.get(key) !== undefined || this.#set(key) !== undefined;
  }

  del(key: string): void {
    this.#strings.delete(key);
    this.#sets.delete(key);
  }

  pexpire(key: string, ms: number): void {
    if (!this.exists(key)) return;
    const entry = this.#strings.get(key) ?? this.#sets.get(key);
    if (ms <= 0) this.del(key);
    else if (entry !== undefined) entry.until = this.now() + Math.trunc(ms);
  }

  /** -2: there is no such key; -1: it never expires. */
  pttl(key: string): number {
    if (!this.exists(key)) return -2;
    const until = (this.#strings.get(key) ?? this.#sets.get(key))?.until ?? Infinity;
    return until === Infinity ? -1 : until - this.now();
  }

  zadd(key: string, score: number, member: string): void {
    const set = this.#set(key) ?? { scores: new Map<string, number>(), until: Infinity };
    this.#sets.set(key, set);
    set.scores.set(member, score);
  }

  zrem(key: string, member: string): boolean {
    const set = this.#set(key);
    if (set?.scores.delete(member) !== true) return false;
    if (set.scores.size === 0) this.#sets.delete(key);
    return true;
  }

  zscore(key: string, member: string): number | undefined {
    return this.#set(key)?.scores.get(member);
  }

  zcard(key: string): number {
    return this.#set(key)?.scores.size ?? 0;
  }

  /** Members in order: by score, then by name. */
  zrange(key: string): readonly (readonly [member: string, score: number])[] {
    const all = [...(this.#set(key)?.scores ?? [])];
    return all.sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  }

  keys(): string[] {
    return [...this.#strings.keys(), ...this.#sets.keys()].filter((key) => this.exists(key));
  }

  clear(): void {
    this.#strings.clear();
    this.#sets.clear();
  }

  /** A server with the same data, expiries included. */
  copyTo(other: Keyspace): void {
    other.clear();
    for (const [key, entry] of this.#strings) other.#strings.set(key, { ...entry });
    for (const [key, { scores, until }] of this.#sets)
      other.#sets.set(key, { scores: new Map(scores), until });
  }

  #set(key: string): { scores: Map<string, number>; until: number } | undefined {
    const set = this.#sets.get(key);
    if (set === undefined || set.until > this.now()) return set;
    this.#sets.delete(key);
    return undefined;
  }
}
