import { LockConfigError } from '../../engine/api/errors.js';
import {
  CALL_OPTIONS,
  OptionReader,
  readSettings,
  resolveRequest,
} from '../../engine/api/lock-options.check.js';

/** Module options under which no combination of call options is wrong that could be right elsewhere. */
const ANY_SETTINGS = readSettings(new OptionReader({ ttl: Number.MAX_SAFE_INTEGER }));

/** One signal would serve every call. */
const LOCKED_OPTIONS = [...CALL_OPTIONS.filter((name) => name !== 'signal'), 'ifBusy', 'service'];

/** What is wrong with the options of `@Locked` whatever the module's options are. */
export function checkLockedOptions(options: unknown): string[] {
  const reader = new OptionReader(options);
  reader.oneOf('ifBusy', ['throw', 'skip'], 'throw');
  if (reader.text('service', 'default') === '') reader.problems.push('service must not be empty.');
  try {
    resolveRequest(options, ANY_SETTINGS, { known: LOCKED_OPTIONS });
    return reader.problems;
  } catch (error) {
    if (!(error instanceof LockConfigError)) throw error;
    return [...new Set([...reader.problems, ...error.problems])];
  }
}
