/** @type {import('jest').Config} */
const shared = {
  testEnvironment: '<rootDir>/test/support/environment.cjs',
  transform: {
    '^.+\\.[cm]?tsx?$': [
      '@swc/jest',
      { jsc: { target: 'es2022', transform: { react: { runtime: 'automatic' } } } },
    ],
  },
  moduleNameMapper: {
    '^@strapi/strapi$': '<rootDir>/test/support/strapi.cjs',
    '^@strapi/utils$': '<rootDir>/test/support/strapi-utils.cjs',
    '^p-queue$': '<rootDir>/test/support/p-queue.cjs',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/server', '<rootDir>/test/app/'],
};

/** @type {import('jest').Config} */
module.exports = {
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    {
      ...shared,
      displayName: 'conformance',
      testMatch: ['<rootDir>/test/conformance/**/*.test.ts'],
    },
    {
      ...shared,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
    },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/admin-panel-setup.ts',
    },
  ],
  reporters: ['default', '<rootDir>/test/support/count-reporter.cjs'],
  testTimeout: 120_000,
  // Two suites beside each other: each runs models and servers of its own.
  maxWorkers: 2,
  // What suites leave behind in Node's own world goes with the process.
  workerIdleMemoryLimit: '1GB',
};
