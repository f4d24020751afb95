// Breaks every operator, comparison and condition of the files that decide about leases, one at a time, and runs the
// specifications of the engine in memory. See https://stryker-mutator.io.

/** What deadlines and fencing numbers hang on. */
const RULES = [
  'store/lease.ts',
  'store/lease-terms.ts',
  'time/clock-skew.ts',
  'hold/lease-state.ts',
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
