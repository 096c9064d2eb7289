import type Database from 'better-sqlite3';
import { ImageSearchError } from '../../errors';

/** The class that better-sqlite3 exports. */
export type Driver = typeof Database;

const PACKAGE = 'better-sqlite3';

/**
 * Loads better-sqlite3, an optional dependency. Fails with `store-not-installed` when the package is missing or its
 * native part does not fit this machine.
 */
export function loadDriver(load: (packageName: string) => unknown): Driver {
  try {
    const driver = load(PACKAGE) as Driver;
    // The native part is loaded with the first database, not with the package.
    new driver(':memory:').close();
    return driver;
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new ImageSearchError({
      code: 'store-not-installed',
      message:
        `The embedded vector store needs the package ${PACKAGE}, which is missing or does not load (${reason}). ` +
        `Install it in the Strapi project with "npm install ${PACKAGE}". It is optional, so a failed installation ` +
        'goes unnoticed: that happens where there is neither a ready build for this system and version of Node.js ' +
        'nor a C++ compiler to make one.',
      retryable: false,
      cause: error,
    });
  }
}
