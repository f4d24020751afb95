import config from '../../../jest.config.js';

/** The specifications of leases, hand-overs and numbers, which need neither a server nor a built package. */
export default {
  ...config,
  roots: ['<rootDir>/test/unit/engine'],
  testRegex:
    '/(busy-holder|clock-steps|handoff-policy|lease.*|min-hold|mixed-options|one-try|readers-and-writers|renewals.*|yielding)\\.spec\\.ts$',
  testEnvironment: 'node',
  globalSetup: undefined,
  globalTeardown: undefined,
  maxWorkers: 1,
};
