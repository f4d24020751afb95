import type { Clock, Timer } from '../../engine/time/clock.js';

/** What one of several has answered that were asked the same, or why not. */
export type NodeAnswer<N, T> = { readonly node: N } & (
  | { readonly reply: T; readonly error?: undefined }
  | { readonly reply?: undefined; readonly error: Error }
);

/** `soon`: what is missing would be good to know, but not for long. */
export type Verdict = 'wait' | 'soon' | 'done';

/**
 * Waits for answers until they suffice or all that are awaited have come: a straggler delays nobody once the
 * outcome is certain, or `grace` ms after it is `soon`. What comes from one that is not awaited counts all the same.
 */
export function gather<N, T>(
  asked: readonly { readonly node: N; readonly answer: Promise<T>; readonly awaited: boolean }[],
  judge: (answers: readonly NodeAnswer<N, T>[]) => Verdict,
  grace: number,
  clock: Clock,
): Promise<readonly NodeAnswer<N, T>[]> {
  return new Promise((resolve) => {
    const answers: NodeAnswer<N, T>[] = [];
    let missing = asked.filter(({ awaited }) => awaited).length;
    let timer: Timer | undefined;
    let over = false;
    const finish = (): void => {
      over = true;
      clock.cancel(timer);
      resolve(answers);
    };
    const hear = (one: NodeAnswer<N, T>, awaited: boolean): void => {
      if (over) return;
      answers.push(one);
      if (awaited) missing -= 1;
      const verdict = judge(answers);
      if (verdict === 'done' || missing === 0) finish();
      else if (verdict === 'soon') timer ??= clock.after(grace, finish);
    };
    for (const { node, answer, awaited } of asked) {
      answer.then(
        (reply) => hear({ node, reply }, awaited),
        (error: Error) => hear({ node, error }, awaited),
      );
    }
    if (missing === 0) finish();
  });
}
