import { LockConfigError } from '../../engine/api/errors.js';
import { OptionReader, readSettings, resolveRequest } from '../../engine/api/lock-options.check.js';

/** Module options under which no combination of call options is wrong that could be right elsewhere. */
const ANY_SETTINGS = readSettings(new OptionReader({ ttl: Number.MAX_SAFE_INTEGER }));

/** What is wrong with the options of `@Locked` whatever the module's options are. */
export function checkLockedOptions(options: unknown): string[] {
  const own = ['ifBusy', 'service'] as const;
  const reader = new OptionReader(options);
  reader.oneOf('ifBusy', ['throw', 'skip'], 'throw');
  if (reader.text('service', 'default') === '') reader.problems.push('service must not be empty.');
  if (typeof options === 'object' && options !== null && 'signal' in options) {
    reader.problems.push('signal is not an option of @Locked: one signal would serve every call.');
  }
  try {
    resolveRequest(options, ANY_SETTINGS, { known: own });
    return reader.problems;
  } catch (error) {
    if (!(error instanceof LockConfigError)) throw error;
    return [...new Set([...reader.problems, ...error.problems])];
  }
}
