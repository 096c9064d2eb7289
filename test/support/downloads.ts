import { afterEach, beforeEach, expect } from '@jest/globals';
import { FetchError, type FetchFailure } from '../../plugin/src/errors';
import type { FetchOptions, GuardedFetch } from '../../plugin/src/network/contract';
import { createGuardedFetch } from '../../plugin/src/network/guarded-fetch';
import { startByteServer, type ByteServer } from './byte-server';

export const LOOPBACK = '127.0.0.1';
/** Part of an address that no message may repeat. */
export const secret = 'signature=hunter2';
export const image = Buffer.from('the bytes of an image');

export interface Downloads {
  /** Answers `image` to `/image`. */
  readonly server: ByteServer;
  /** Reads from this machine. */
  readonly open: GuardedFetch;
  /** Reads from the public internet only. */
  readonly guarded: GuardedFetch;
}

/** A server and two ways to read from it, new for every test of the file. */
export function setUpDownloads(): Downloads {
  let current: Downloads | undefined;
  const opened = (): Downloads => {
    if (current === undefined) throw new Error('No test is running.');
    return current;
  };

  beforeEach(async () => {
    const server = await startByteServer();
    server.on('/image', (_request, response) => response.end(image));
    current = {
      server,
      open: createGuardedFetch({ allowedHosts: [LOOPBACK, 'localhost'] }),
      guarded: createGuardedFetch({ allowedHosts: [] }),
    };
  });
  afterEach(async () => {
    await opened().server.close();
    await opened().open.dispose();
    await opened().guarded.dispose();
  });

  return {
    get server() {
      return opened().server;
    },
    get open() {
      return opened().open;
    },
    get guarded() {
      return opened().guarded;
    },
  };
}

export function fetchFrom(
  fetch: GuardedFetch,
  url: string,
  options: Partial<FetchOptions> = {},
): Promise<Uint8Array> {
  return fetch.fetchBytes(url, { maxBytes: 1_000, timeoutMs: 30_000, ...options });
}

async function fetchFailureOf(work: Promise<unknown>): Promise<FetchError> {
  const outcome = await work.then(
    () => 'no error',
    (error: unknown) => error,
  );
  if (outcome instanceof FetchError) return outcome;
  throw new Error(`Expected a FetchError, got ${String(outcome)}.`);
}

/** That it fails in this way, and that its message tells no secret. */
export async function expectFetchFailure(
  work: Promise<unknown>,
  failure: FetchFailure,
): Promise<string> {
  const error = await fetchFailureOf(work);
  expect(error.failure).toBe(failure);
  expect(error.message).not.toContain('hunter2');
  return error.message;
}
