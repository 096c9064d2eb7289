/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: '<rootDir>/test/support/environment.cjs',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: { '^.+\\.[cm]?ts$': ['@swc/jest', { jsc: { target: 'es2022' } }] },
  moduleNameMapper: { '^p-queue$': '<rootDir>/test/support/p-queue.cjs' },
  modulePathIgnorePatterns: ['<rootDir>/dist/server', '<rootDir>/test/app/'],
  testTimeout: 120_000,
};
