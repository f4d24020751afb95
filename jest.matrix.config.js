import config from './jest.config.js';

/** The packed library in many kinds of applications: `npm run test:matrix`. */
export default {
  ...config,
  roots: ['<rootDir>/test/matrix'],
  testPathIgnorePatterns: ['/node_modules/'],
};
