// Breaks every operator, comparison and condition of the files that decide about leases, one at a time, and runs the
// specifications of the engine in memory. See https://stryker-mutator.io.

/** What a deadline, a hand-over or a fencing number hangs on. */
const RULES = [
  'hold/handoff-policy.ts',
  'hold/lease-callers.ts',
  'hold/lease-state.ts',
  'queue/waiter-list.ts',
  'store/lease-terms.ts',
  'store/lease.ts',
  'time/clock-skew.ts',
  'time/suspend-watch.ts',
];

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  mutate: RULES.map((file) => `lib/engine/${file}`),
  plugins: [import.meta.resolve('@stryker-mutator/jest-runner')],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: { configFile: 'test/mutation/operators/jest.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'off',
  disableTypeChecks: 'lib/**/*.ts',
  ignorePatterns: ['dist*', 'site', 'bench', 'sample-app', 'examples', 'node_modules'],
  concurrency: 2,
  timeoutMS: 8000,
  reporters: ['clear-text', 'progress-append-only'],
  clearTextReporter: { allowColor: false, reportTests: false },
};
