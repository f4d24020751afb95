import { availableParallelism } from 'node:os';

/** @type {import('jest').Config} */
export default {
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/test'],
  testRegex: '\\.spec\\.ts$',
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/test/chaos/',
    '<rootDir>/test/fixtures/',
    '<rootDir>/test/matrix/',
    '<rootDir>/test/migration/',
    '<rootDir>/test/model/',
    '<rootDir>/test/package/',
    '<rootDir>/test/sample/',
    '<rootDir>/test/simulation/',
  ],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
      },
    ],
  },
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^nestjs-redis-lock$': '<rootDir>/lib/index.ts',
    '^nestjs-redis-lock/testing$': '<rootDir>/lib/testing/index.ts',
    '^nestjs-redis-lock/tracing$': '<rootDir>/lib/tracing/lock-tracing.module.ts',
    '^nestjs-redis-lock/terminus$': '<rootDir>/lib/terminus/lock-health.indicator.ts',
    '^nestjs-redis-lock/board$': '<rootDir>/lib/board/lock-board.module.ts',
    '^nestjs-redis-lock/prometheus$': '<rootDir>/lib/prometheus/lock-metrics.module.ts',
  },
  testEnvironment: '<rootDir>/test/support/leak-check.environment.mjs',
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  // A rejection that nobody handles fails the test that caused it.
  waitForUnhandledRejections: true,
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/dist-sample/'],
  testTimeout: 60_000,
  // Most tests wait for servers and leases, not for a processor.
  maxWorkers: availableParallelism() + 1,
};
