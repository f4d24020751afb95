import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Starts a script of this folder as a process of its own, which ends with this one. */
export function start(path) {
  const file = fileURLToPath(new URL(path, import.meta.url));
  return fork(file, { serialization: 'advanced' });
}

/** The next message of a child; rejects when it ends before or takes too long. */
export async function message(child, withinMs) {
  const done = new AbortController();
  const signal = AbortSignal.any([done.signal, AbortSignal.timeout(Math.ceil(withinMs))]);
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([answer]) => answer),
      once(child, 'exit', { signal }).then(() => Promise.reject(new Error('A worker has ended.'))),
    ]);
  } finally {
    done.abort();
  }
}

/** Sends a message and waits for the answer. */
export function ask(child, question, withinMs) {
  const answer = message(child, withinMs);
  child.send(question);
  return answer;
}
