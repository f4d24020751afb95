// What callers note, in flat arrays: cheap to fill, cheap to send to another process.
const CHUNK = 4096;

/** The columns of a sample. Instants are on the shared clock. */
export const COLUMNS = ['caller', 'askedAt', 'enteredAt', 'leftAt', 'freedAt'];
export const WIDTH = COLUMNS.length;

export class Samples {
  #full = [];
  #chunk = new Float64Array(CHUNK * WIDTH);
  #end = 0;

  record(caller, askedAt, enteredAt, leftAt, freedAt) {
    if (this.#end === this.#chunk.length) this.#grow();
    const at = this.#end;
    this.#chunk[at] = caller;
    this.#chunk[at + 1] = askedAt;
    this.#chunk[at + 2] = enteredAt;
    this.#chunk[at + 3] = leftAt;
    this.#chunk[at + 4] = freedAt;
    this.#end = at + WIDTH;
  }

  toArray() {
    const all = new Float64Array(this.#full.length * CHUNK * WIDTH + this.#end);
    this.#full.forEach((chunk, i) => all.set(chunk, i * CHUNK * WIDTH));
    all.set(this.#chunk.subarray(0, this.#end), this.#full.length * CHUNK * WIDTH);
    return all;
  }

  #grow() {
    this.#full.push(this.#chunk);
    this.#chunk = new Float64Array(CHUNK * WIDTH);
    this.#end = 0;
  }
}
