import config from './jest.config.js';

/** Programs, and applications with the packed library, as users run them: `npm run test:apps`. */
export default {
  ...config,
  roots: [
    '<rootDir>/test/fixtures',
    '<rootDir>/test/migration',
    '<rootDir>/test/package',
    '<rootDir>/test/sample',
  ],
  testPathIgnorePatterns: ['/node_modules/'],
};
