/** Shows how far a step is: one line that counts up on a terminal, a line now and then elsewhere. */
export class Progress {
  private readonly every: number;

  constructor(
    private readonly what: string,
    private readonly total: number,
    private readonly out: NodeJS.WriteStream = process.stdout,
  ) {
    this.every = out.isTTY ? 1 : Math.max(1, Math.ceil(total / 4));
  }

  show(done: number): void {
    const last = done === this.total;
    if (!last && done % this.every !== 0) return;
    const text = `${this.what} ${done}/${this.total}`;
    this.out.write(this.out.isTTY ? `\r${text}${last ? '\n' : ''}` : `${text}\n`);
  }
}
