import { peers } from '../libraries/index.mjs';
import { multiSemaphore, semaphore } from '../libraries/kinds.mjs';
import { median } from './statistics.mjs';

const PEERS = new Set([...peers, semaphore, multiSemaphore].map(({ name }) => name));

/** Reads the figures of all rounds. */
export class View {
  #runs;

  /** @param {readonly { round: number, work: string, library: string, figures: Record<string, number> }[]} runs */
  constructor(runs) {
    this.#runs = runs;
  }

  /** One figure in every round, NaN where a run did not give it; empty when none did. */
  series(work, library, figure) {
    const all = this.#runs
      .filter((run) => run.work === work && run.library === library)
      .sort((one, other) => one.round - other.round)
      .map(({ figures }) => figures[figure] ?? NaN);
    return all.some((value) => !Number.isNaN(value)) ? all : [];
  }

  median(work, library, figure) {
    const series = this.series(work, library, figure);
    return series.length === 0 ? undefined : median(series);
  }

  libraries(work) {
    const names = this.#runs.filter((run) => run.work === work).map(({ library }) => library);
    return [...new Set(names)].sort();
  }

  /** The other library whose median is the highest, or the lowest. */
  bestPeer(work, figure, { lowest = false } = {}) {
    const sign = lowest ? 1 : -1;
    return this.libraries(work)
      .filter((name) => PEERS.has(name) && this.series(work, name, figure).length > 0)
      .sort((a, b) => sign * (this.median(work, a, figure) - this.median(work, b, figure)))[0];
  }
}
