/** Why the program can't run, told to the person who started it: a message, no stack. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** Ends the program with 1 after `error`; what is no {@link StartError} shows its stack. */
export function exitWith(error: unknown): never {
  console.error(error instanceof StartError ? error.message : error);
  process.exit(1);
}
