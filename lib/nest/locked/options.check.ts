import { LockConfigError } from '../../engine/api/errors.js';
import { readSettings, resolveRequest, LOCKED_NAMES } from '../../engine/api/lock-options.check.js';
import type { LockOptions } from '../../engine/api/lock-options.js';
import { OptionReader } from '../../engine/api/option-reader.js';
import type { LockedOptions } from '../key/locked.options.js';

/** Module options under which no combination of call options is wrong that could be right elsewhere. */
const ANY_SETTINGS = readSettings(new OptionReader({ ttl: Number.MAX_SAFE_INTEGER }));

interface OwnOption {
  readonly read: (given: OptionReader) => unknown;
}

/** What `@Locked` takes beside the options of a call. */
const OWN_OPTIONS = {
  ifBusy: { read: (given) => given.oneOf('ifBusy', ['throw', 'skip'], 'throw') },
  service: { read: (given) => given.text('service', 'default') },
} satisfies Record<Exclude<keyof LockedOptions, keyof LockOptions>, OwnOption>;

const KNOWN = [...LOCKED_NAMES, ...Object.keys(OWN_OPTIONS)];

/** What is wrong with the options of `@Locked` whatever the module's options are. */
export function checkLockedOptions(options: unknown): string[] {
  const reader = new OptionReader(options);
  const { service } = reader.all(OWN_OPTIONS, undefined);
  if (service === '') reader.problems.push('service must not be empty.');
  try {
    resolveRequest(options, ANY_SETTINGS, { known: KNOWN });
    return reader.problems;
  } catch (error) {
    if (!(error instanceof LockConfigError)) throw error;
    return [...new Set([...reader.problems, ...error.problems])];
  }
}
