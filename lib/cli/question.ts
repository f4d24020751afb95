import { createInterface } from 'node:readline/promises';

interface Streams {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

/** Asks a person for a yes. `interrupted` hears of Ctrl-C, which is no signal while a terminal is asked. */
export async function ask(
  question: string,
  streams: Streams,
  interrupted: () => void,
): Promise<boolean> {
  const lines = createInterface(streams);
  lines.once('SIGINT', interrupted);
  const answer = await lines.question(question);
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}
