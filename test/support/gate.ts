/** A promise that the test resolves: it orders what sleeping could only hope for. */
export class Gate<T = void> {
  readonly passed: Promise<T>;
  /** Lets everybody through. */
  readonly open: (value: T) => void;

  constructor() {
    let open!: (value: T) => void;
    this.passed = new Promise<T>((resolve) => (open = resolve));
    this.open = open;
  }
}
