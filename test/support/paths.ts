import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe } from '@jest/globals';

export const repositoryFolder = path.resolve(__dirname, '../..');

/** The model that the demo and the tests use: emoji artwork, 256 dimensions. */
export const sampleModelFolder = path.join(repositoryFolder, 'sample/model');

/**
 * Larger test data that is not part of the repository: `mini-clip` (a CLIP for photographs), `photos` (300 of them
 * with captions), `parity` (reference embeddings).
 */
export const testDataFolder = path.resolve(
  repositoryFolder,
  process.env.IMAGE_SEARCH_TEST_DATA ?? '../shared/data',
);

/** Describes a suite that needs one of those folders; without it the suite is skipped and its name says why. */
export function describeWithTestData(folder: string, name: string, suite: () => void): void {
  if (existsSync(path.join(testDataFolder, folder))) describe(name, suite);
  else describe.skip(`${name} (skipped: no test data folder "${folder}")`, suite);
}

/** Files that failed once, with the right answers; not part of the repository. */
export const casesFolder = path.resolve(testDataFolder, '../cases/images');

/** Describes a suite that needs them; without them it is skipped and its name says why. */
export function describeWithCases(name: string, suite: () => void): void {
  if (existsSync(casesFolder)) describe(name, suite);
  else describe.skip(`${name} (skipped: no folder "${casesFolder}")`, suite);
}
