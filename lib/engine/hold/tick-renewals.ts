import type { LeaseState } from './lease-state.js';

/** Collects the renewals that are asked for out of turn within one tick: each lease once, all in one command. */
export class TickRenewals<Outcome> {
  readonly #asked = new Map<LeaseState, Promise<Outcome>>();
  #sent: Promise<ReadonlyMap<LeaseState, Outcome>> | undefined;

  constructor(
    private readonly send: (holds: readonly LeaseState[]) => Promise<readonly Outcome[]>,
  ) {}

  add(hold: LeaseState): Promise<Outcome> {
    this.#sent ??= Promise.resolve().then(() => this.#flush());
    const sent = this.#sent;
    let asked = this.#asked.get(hold);
    if (asked === undefined) {
      asked = sent.then((outcomes) => outcomes.get(hold) as Outcome);
      this.#asked.set(hold, asked);
    }
    return asked;
  }

  async #flush(): Promise<ReadonlyMap<LeaseState, Outcome>> {
    const holds = [...this.#asked.keys()];
    this.#asked.clear();
    this.#sent = undefined;
    const outcomes = await this.send(holds);
    return new Map(holds.map((hold, i) => [hold, outcomes[i] as Outcome]));
  }
}
