import { afterAll, beforeAll, describe } from '@jest/globals';
import type { DatabaseKind, DatabaseServer } from './database-server';

/**
 * Describes a suite on a server of this kind. Without one the suite is skipped and its name says why; in CI
 * (environment variable `CI`) it fails, unless the server is known to be unavailable there.
 */
export function describeWithServer(
  kind: DatabaseKind,
  name: string,
  suite: (server: () => DatabaseServer) => void,
): void {
  let server: DatabaseServer | undefined;
  const running = (): DatabaseServer => {
    if (server === undefined) throw new Error(`${kind.name} is not running yet.`);
    return server;
  };
  const body = (): void => {
    beforeAll(async () => {
      if (!kind.isInstalled()) {
        throw new Error(`${kind.name} is not installed (Debian: apt install ${kind.packageName}).`);
      }
      server = await kind.start();
    });
    afterAll(() => server?.stop());
    suite(running);
  };
  const mustRun = process.env.CI !== undefined && kind.isUnavailable?.() !== true;
  if (kind.isInstalled() || mustRun) describe(name, body);
  else describe.skip(`${name} (skipped: ${kind.name} is not installed)`, body);
}
