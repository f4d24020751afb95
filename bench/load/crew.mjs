import { ask, start } from '../children.mjs';
import { now, until as instant } from './clock.mjs';
import { WIDTH } from './samples.mjs';

const READY_WITHIN_MS = 30_000;
const REPORT_WITHIN_MS = 5000;
const START_IN_MS = 50;

/**
 * Runs one load in several processes at the same time and gathers what they noted.
 *
 * @param {object} options
 * @param {string} options.library
 * @param {readonly string[]} options.urls
 * @param {number} options.processes
 * @param {object} options.load
 * @param {{ warmUpMs: number, forMs: number, drainMs?: number }} options.span
 * @param {import('../servers.mjs').Servers} options.servers
 * @param {readonly string[]} options.sends
 */
export async function runCrew({ library, urls, processes, load, span, servers, sends }) {
  const crew = Array.from({ length: processes }, () => start('load/worker.mjs'));
  try {
    await Promise.all(
      crew.map((child, index) =>
        ask(child, { library, urls, load: { ...load, index, processes } }, READY_WITHIN_MS),
      ),
    );
    const startAt = now() + START_IN_MS;
    const from = startAt + span.warmUpMs;
    const until = from + span.forMs;
    const deadline = until + (span.drainMs ?? 0);
    const endsWithinMs = deadline - now() + REPORT_WITHIN_MS;
    const reports = crew.map((child) =>
      ask(child, { startAt, from, until, deadline }, endsWithinMs).catch(() => undefined),
    );
    await instant(from);
    await servers.startCounting();
    await Promise.race([instant(until), Promise.all(reports)]);
    const counted = await servers.counted(sends);
    return gather(await Promise.all(reports), load, { ...counted, startAt, from, until });
  } finally {
    for (const child of crew) child.kill('SIGKILL');
  }
}

/** One list of all processes' samples; callers are numbered through. */
function gather(reports, load, rest) {
  const all = { samples: [], waiting: [], errors: 0, cpuUs: 0, loopDelayMs: 0, unfinished: 0 };
  reports.forEach((report, index) => {
    if (report === undefined) {
      all.unfinished += 1;
      return;
    }
    const { samples, waiting, reportedAt } = report;
    for (let at = 0; at < samples.length; at += WIDTH) samples[at] += index * load.callers;
    all.samples.push(samples);
    for (let at = 0; at < waiting.length; at += 2)
      all.waiting.push({
        caller: waiting[at] + index * load.callers,
        waitMs: reportedAt - waiting[at + 1],
      });
    all.errors += report.errors;
    all.firstError ??= report.firstError;
    all.cpuUs += report.cpuUs;
    all.loopDelayMs = Math.max(all.loopDelayMs, report.loopDelayMs);
  });
  return { ...all, ...rest };
}
