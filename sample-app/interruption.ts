const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Somebody ended the program; `exitCode` says by which signal, as shells do. */
export class Interruption extends Error {
  override readonly name = 'Interruption';

  constructor(readonly exitCode: number) {
    super('Interrupted.');
  }
}

/** Rejects with an {@link Interruption} on Ctrl-C and on a polite kill; never resolves. */
export function interruption(): Promise<never> {
  const interrupted = new Promise<never>((_, reject) => {
    for (const [signal, code] of Object.entries(EXIT_CODES)) {
      process.on(signal, () => reject(new Interruption(code)));
    }
  });
  // It may come before anybody waits for it.
  interrupted.catch(() => {});
  return interrupted;
}
