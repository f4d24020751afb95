/** One line that tells where a long run is; on a terminal it is written over. */
export class Progress {
  #startedAt = performance.now();
  #done = 0;
  #total;

  constructor(total) {
    this.#total = total;
  }

  /** @param {string} what */
  step(what) {
    const line = `[${this.#done + 1}/${this.#total}] ${what}${this.#left()}`;
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${line}`);
    else console.log(line);
    this.#done += 1;
  }

  end() {
    if (process.stdout.isTTY) process.stdout.write('\r\u001b[K');
  }

  #left() {
    if (this.#done === 0) return '';
    const each = (performance.now() - this.#startedAt) / this.#done;
    const seconds = ((this.#total - this.#done) * each) / 1000;
    return seconds < 90
      ? `, ${seconds.toFixed(0)} s left`
      : `, ${(seconds / 60).toFixed(0)} min left`;
  }
}
