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
 * The space that answers, opened on first use and shared by all. A failed opening is remembered for a while, so that
 * neither a crowd of searches nor the worker hammers what is not there; then it is tried again.
 */
export interface ActiveSpace {
  /**
   * Fails as the provider's `open` and the store's `ensureSpace` do, and with `aborted` as soon as the signal is: an
   * opening may take as long as a download, and goes on for others.
   */
  get(signal?: AbortSignal): Promise<OpenSpace>;
  state(): ActiveSpaceState;
  /** Forgets a failed opening, so that the next `get` tries again: an operator asked for it. */
  retryNow(): void;
  dispose(): Promise<void>;
}

export interface ActiveSpaceOptions {
  openProvider: () => Promise<EmbeddingProvider>;
  store: VectorStore;
  clock: Clock;
  /** How long a failed opening is remembered, in milliseconds. */
  retryAfterMs: number;
}

export function createActiveSpace(options: ActiveSpaceOptions): ActiveSpace {
  const { openProvider, store, clock, retryAfterMs } = options;
  let state: ActiveSpaceState = { kind: 'closed' };
  let opening: Promise<OpenSpace> | null = null;
  let failedAt = -Infinity;
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
      provider = await openProvider();
      const collection = await store.ensureSpace(provider.space);
      if (closing.signal.aborted) throw closedError();
      const space = { provider, collection };
      state = { kind: 'open', space };
      return space;
    } catch (error) {
      await provider?.dispose();
      const known = toImageSearchError(error);
      if (!closing.signal.aborted) state = { kind: 'failed', error: known };
      failedAt = clock.now();
      throw known;
    } finally {
      opening = null;
    }
  }

  return {
    async get(signal) {
      if (closing.signal.aborted) throw closedError();
      if (state.kind === 'open') return state.space;
      const isFailureFresh = state.kind === 'failed' && clock.now() - failedAt < retryAfterMs;
      if (!opening && state.kind === 'failed' && isFailureFresh) throw state.error;
      opening ??= open();
      const ended = endOf(signal);
      try {
        return await Promise.race([opening, closed, ended.promise]);
      } finally {
        ended.forget();
      }
    },
    state: () => state,
    retryNow() {
      failedAt = -Infinity;
    },
    async dispose() {
      closing.abort();
      // An opening that is under way, perhaps a download that hangs, is not waited for: it closes what it opened.
      opening?.catch(() => undefined);
      if (state.kind === 'open') await state.space.provider.dispose();
      state = { kind: 'closed' };
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
