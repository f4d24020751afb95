import config from './jest.config.js';

/** Tests that take long by their nature, one after the other: `npm run test:long`. */
export default {
  ...config,
  roots: ['<rootDir>/test/chaos', '<rootDir>/test/model', '<rootDir>/test/simulation'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
};
