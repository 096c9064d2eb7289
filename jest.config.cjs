const swc = [
  '@swc/jest',
  { jsc: { target: 'es2022', transform: { react: { runtime: 'automatic' } } } },
];

/** Set by `npm test`, which builds first; `npx jest path` needs no build. */
const usesBuiltWorkers = process.env.IMAGE_SEARCH_BUILT_WORKERS === 'true';

/** @type {import('jest').Config} */
const shared = {
  // Jest's contexts look globals up slowly, which loops over pixels and vectors do again and again.
  sandboxInjectedGlobals: ['Math', 'Number', 'Uint8Array', 'Float32Array'],
  moduleNameMapper: usesBuiltWorkers
    ? { '^(\\.\\./)+(plugin/src/)?workers$': '<rootDir>/test/support/built-workers.cjs' }
    : {},
  // p-queue and its p-timeout are ES modules, which Jest's require() cannot load as they are.
  transform: { '\\.[cm]?tsx?$': swc, '/node_modules/p-(queue|timeout)/.+\\.js$': swc },
  transformIgnorePatterns: ['/node_modules/(?!p-(queue|timeout)/)'],
  modulePathIgnorePatterns: ['<rootDir>/dist/server', '<rootDir>/test/app/'],
};

/** Suites that boot a real Strapi, which is loaded by Node itself; see environment.cjs. */
const withStrapi = {
  ...shared,
  testEnvironment: '<rootDir>/test/support/environment.cjs',
  globalSetup: '<rootDir>/test/support/fresh-database.ts',
  moduleNameMapper: {
    ...shared.moduleNameMapper,
    '^@strapi/strapi$': '<rootDir>/test/support/strapi.cjs',
    '^@strapi/utils$': '<rootDir>/test/support/strapi-utils.cjs',
  },
};

/** What only `npm run test:long` runs: its own suites, and those that take more data there; see test-size.ts. */
const long = {
  ...withStrapi,
  displayName: 'long',
  testMatch: [
    'long/*',
    'e2e/examples',
    'e2e/search-large-library',
    'integration/copy-vectors',
    'integration/crash',
    'integration/hosted-provider-faults',
    'integration/library-store',
    'integration/model-change-trouble',
    'integration/on-postgres',
    'integration/relevance',
    'integration/several-processes',
    'unit/vectors/embedded/large-collection',
  ].map((suite) => `<rootDir>/test/${suite}.test.ts`),
  globalSetup: '<rootDir>/test/support/admin-panel-setup.ts',
};

/** @type {import('jest').Config} */
module.exports = {
  projects: [
    ...(process.env.IMAGE_SEARCH_LONG_TESTS === 'true' ? [long] : []),
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/test/unit/**/*.test.ts'] },
    {
      ...withStrapi,
      displayName: 'conformance',
      testMatch: ['<rootDir>/test/conformance/**/*.test.ts'],
    },
    {
      ...withStrapi,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
    },
    {
      ...withStrapi,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/e2e/**/*.test.ts'],
      globalSetup: '<rootDir>/test/support/admin-panel-setup.ts',
    },
  ],
  reporters: ['default', '<rootDir>/test/support/count-reporter.cjs'],
  testSequencer: '<rootDir>/test/support/sequencer.cjs',
  testTimeout: 120_000,
  // Three suites at a time keep two cores busy: each waits for databases, browsers and pauses of its own.
  maxWorkers: 3,
  // What suites leave behind in Node's own world goes with the process.
  workerIdleMemoryLimit: '2GB',
};
