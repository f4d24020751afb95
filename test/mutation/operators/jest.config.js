import config from '../../../jest.config.js';

/** The specifications of the engine that need neither a server nor a built package. */
export default {
  ...config,
  roots: ['<rootDir>/test/unit/engine'],
  testPathIgnorePatterns: ['lock-handles'],
  testEnvironment: 'node',
  globalSetup: undefined,
  globalTeardown: undefined,
  maxWorkers: 1,
};
