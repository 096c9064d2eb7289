import { HealthRecord } from './circuit-breaker';
import type { Clock } from './clock';
import type { EmbeddingProvider } from './embedding/contract';
import { abortedError, ImageSearchError, toImageSearchError } from './errors';
import type { VectorCollection, VectorStore } from './vectors/contract';

/** A provider and the collection of its space: what indexing writes to and search reads from. */
export interface OpenSpace {
  provider: EmbeddingProvider;
  collection: VectorCollection;
}

export type ActiveSpaceState =
  | { kind: 'closed' }
  | { kind: 'open'; space: OpenSpace }
  | { kind: 'failed'; error: ImageSearchError };

/**
 * The active space, opened on first use and shared by all. After a failed opening, `get` rejects with its error
 * until a pause is over, so that neither searches nor the worker hammer a provider or store that is down.
 */
export interface ActiveSpace {
  /**
   * Fails as the provider's `open` and the store's `ensureSpace` do, and with `aborted` as soon as the signal is: an
   * opening may take as long as a download, and goes on for others.
   */
  get(signal?: AbortSignal): Promise<OpenSpace>;
  state(): ActiveSpaceState;
  /** What is known of the provider and its collection, open or not. */
  readonly health: HealthRecord;
  dispose(): Promise<void>;
}

export interface ActiveSpaceOptions {
  openProvider: (health: HealthRecord) => Promise<EmbeddingProvider>;
  store: VectorStore;
  clock: Clock;
  /** 0 ≤ value < 1, for jitter. */
  random: () => number;
}

export function createActiveSpace(options: ActiveSpaceOptions): ActiveSpace {
  const { openProvider, store } = options;
  const health = new HealthRecord(options);
  let space: OpenSpace | null = null;
  let opening: Promise<OpenSpace> | null = null;
  const closing = new AbortController();
  const closed = new Promise<never>((_, reject) => {
    closing.signal.addEventListener('abort', () => {
      reject(closedError());
    });
  });
  closed.catch(() => undefined);

  async function open(): Promise<OpenSpace> {
    let provider: EmbeddingProvider | undefined;
    try {
      provider = await openProvider(health);
      const collection = await store.ensureSpace(provider.space);
      if (closing.signal.aborted) throw closedError();
      space = { provider, collection };
      health.opening.recordSuccess();
      return space;
    } catch (error) {
      await provider?.dispose();
      const known = toImageSearchError(error);
      if (!closing.signal.aborted) health.opening.recordFailure(known);
      throw known;
    } finally {
      opening = null;
    }
  }

  return {
    async get(signal) {
      if (closing.signal.aborted) throw closedError();
      if (space) return space;
      const failure = health.opening.state() === 'open' ? health.opening.error() : null;
      if (!opening && failure) throw failure;
      opening ??= open();
      const ended = endOf(signal);
      try {
        return await Promise.race([opening, closed, ended.promise]);
      } finally {
        ended.forget();
      }
    },
    state() {
      if (space) return { kind: 'open', space };
      const error = closing.signal.aborted ? null : health.opening.error();
      return error ? { kind: 'failed', error } : { kind: 'closed' };
    },
    health,
    async dispose() {
      closing.abort();
      // An opening in progress, perhaps a download that hangs, is not waited for: it closes what it opened.
      opening?.catch(() => undefined);
      const open = space;
      space = null;
      await open?.provider.dispose();
    },
  };
}

/** Rejects when the signal is aborted, unless it is forgotten before. */
function endOf(signal: AbortSignal | undefined): { promise: Promise<never>; forget: () => void } {
  let onAbort = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(abortedError(signal?.reason));
    };
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort);
  });
  return {
    promise,
    forget: () => {
      signal?.removeEventListener('abort', onAbort);
    },
  };
}

function closedError(): ImageSearchError {
  return new ImageSearchError({
    code: 'aborted',
    message: 'Image search is shutting down.',
    retryable: true,
  });
}
