import { CircuitBreaker } from '../circuit-breaker';
import type { Clock } from '../clock';
import { FetchError, ImageSearchError, type FetchFailure } from '../errors';
import type { Logger } from '../logger';
import type { GuardedFetch } from './contract';

/** Different files in a row that a host may fail to send before requests to it pause. */
export const MAX_FAILED_FILES = 10;

const SECOND_MS = 1_000;

const policy = {
  failuresToOpen: 1,
  firstRetryMs: 5_000,
  longestRetryMs: 600_000,
  longestRetryAfterMs: 600_000,
};

/** Failures that say of the host that it can't be used. With any other response, it works. */
const hostFailures: readonly FetchFailure[] = ['unreachable', 'refused'];

/** Requests to a host that pause. */
interface PausedHost {
  /** With the port, such as `files.example:9000`. */
  host: string;
  /** Why, without an address. */
  message: string;
  /** Whole seconds until the next request, at least 0. */
  remainingSeconds: number;
}

export interface HostPauses {
  pausedHosts(): PausedHost[];
}

interface Host {
  breaker: CircuitBreaker;
  /** Paths of the files that failed in a row: a file that is retried counts once. */
  failedPaths: Set<string>;
  isProbing: boolean;
}

/**
 * Pauses requests to a host that fails for many files in a row, so that files elsewhere don't wait for timeouts. A
 * single file that can't be read never pauses anything. When a pause is over, one request finds out whether the host is
 * back.
 *
 * `fetchBytes` also throws an ImageSearchError `storage-unavailable` while the host's requests are paused.
 *
 * @param options.random 0 ≤ value < 1, for jitter
 */
export function pauseFailingHosts(
  fetch: GuardedFetch,
  options: { logger: Logger; clock: Clock; random: () => number },
): GuardedFetch & HostPauses {
  const { logger } = options;
  const hosts = new Map<string, Host>();

  function hostOf(name: string): Host {
    const known = hosts.get(name);
    if (known) return known;
    const host = {
      breaker: new CircuitBreaker(policy, options),
      failedPaths: new Set<string>(),
      isProbing: false,
    };
    hosts.set(name, host);
    return host;
  }

  function recordFailure(host: Host, { name, path, error }: FailedRequest): void {
    host.failedPaths.add(path);
    if (host.failedPaths.size < MAX_FAILED_FILES) return;
    const pauseMs = host.breaker.recordFailure(unavailable(name, error.message));
    // From here on, only probes are sent, and the host has failed already.
    if (pauseMs === null || host.isProbing) return;
    logger.error(
      `Images stored at ${name} wait, because ${String(MAX_FAILED_FILES)} in a row couldn't be read; others are still indexed. ${error.message} Check that this server can reach the storage and that indexing.allowedHosts lists its host if it is private.`,
    );
  }

  function recordSuccess(host: Host, name: string): void {
    host.failedPaths.clear();
    if (host.breaker.recordSuccess()) logger.info(`Images stored at ${name} are read again.`);
  }

  return {
    async fetchBytes(address, fetchOptions) {
      const url = URL.canParse(address) ? new URL(address) : null;
      if (!url) return fetch.fetchBytes(address, fetchOptions);
      const { host: name, pathname: path } = url;
      const host = hostOf(name);
      const state = host.breaker.state();
      if (state === 'open' || host.isProbing) throw paused(host);
      host.isProbing = state === 'half-open';
      try {
        const bytes = await fetch.fetchBytes(address, fetchOptions);
        recordSuccess(host, name);
        return bytes;
      } catch (error) {
        if (error instanceof FetchError) {
          if (hostFailures.includes(error.failure)) recordFailure(host, { name, path, error });
          else recordSuccess(host, name);
        }
        throw error;
      } finally {
        if (state === 'half-open') host.isProbing = false;
      }
    },
    pausedHosts: () =>
      [...hosts].flatMap(([host, { breaker }]) => {
        const error = breaker.error();
        if (error === null) return [];
        return [
          {
            host,
            message: error.message,
            remainingSeconds: Math.ceil(breaker.pauseMs() / SECOND_MS),
          },
        ];
      }),
    dispose: () => fetch.dispose(),
  };
}

interface FailedRequest {
  name: string;
  path: string;
  error: FetchError;
}

function unavailable(host: string, reason: string): ImageSearchError {
  return new ImageSearchError({
    code: 'storage-unavailable',
    message: `The storage at ${host} isn't responding: ${reason} Its images wait.`,
  });
}

/** Due again when the pause is over; while a probe runs, after a while. */
function paused({ breaker }: Host): ImageSearchError {
  const error = breaker.error();
  return new ImageSearchError({
    code: 'storage-unavailable',
    message: error?.message ?? "The storage isn't responding.",
    retryAfterMs: breaker.pauseMs() || PROBE_MS,
  });
}

/** While a probe runs, files wait this long. */
const PROBE_MS = 60_000;
