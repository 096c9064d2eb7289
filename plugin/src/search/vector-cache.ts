import { LRUCache } from 'lru-cache';
import { untilAborted } from '../abort';
import type { Clock } from '../clock';
import { abortedError } from '../errors';

export interface VectorCacheOptions {
  /** 0 caches nothing; calls are still shared. */
  cacheEntries: number;
  cacheMs: number;
  clock: Clock;
}

/** By cache key. */
export type KeyedVectors = ReadonlyMap<string, Float32Array>;

/** Vectors of recent queries, and the calls that compute more: a key that is in flight is joined, not computed twice. */
export class VectorCache {
  readonly #vectors: LRUCache<string, Float32Array> | null;
  readonly #calls = new Map<string, VectorCall>();

  constructor({ cacheEntries, cacheMs, clock }: VectorCacheOptions) {
    this.#vectors =
      cacheEntries > 0
        ? new LRUCache({
            max: cacheEntries,
            ttl: cacheMs,
            ttlResolution: 0,
            perf: { now: () => clock.elapsed() },
          })
        : null;
  }

  has(key: string): boolean {
    return this.#vectors?.has(key) === true;
  }

  get(key: string): Float32Array | undefined {
    return this.#vectors?.get(key);
  }

  /** The call in flight that computes this key and can still be joined. */
  callFor(key: string): VectorCall | undefined {
    const call = this.#calls.get(key);
    return call?.isAborted === false ? call : undefined;
  }

  /** Starts a call for these keys; what it returns is cached. */
  start(
    keys: readonly string[],
    compute: (signal: AbortSignal) => Promise<KeyedVectors>,
  ): VectorCall {
    const call = new VectorCall(keys, compute);
    const settle = (vectors?: KeyedVectors): void => {
      for (const key of keys) {
        // An aborted call may have been replaced by another.
        if (this.#calls.get(key) === call) this.#calls.delete(key);
        const vector = vectors?.get(key);
        if (vector) this.#vectors?.set(key, vector);
      }
    };
    for (const key of keys) this.#calls.set(key, call);
    call.result.then(settle, () => {
      settle();
    });
    return call;
  }
}

/** A call that several searches wait for. It is aborted when the last of them leaves. */
export class VectorCall {
  readonly keys: readonly string[];
  readonly result: Promise<KeyedVectors>;
  readonly #controller = new AbortController();
  #waiting = 0;
  #isSettled = false;

  constructor(keys: readonly string[], compute: (signal: AbortSignal) => Promise<KeyedVectors>) {
    this.keys = keys;
    this.result = compute(this.#controller.signal).finally(() => {
      this.#isSettled = true;
    });
    // Callers that wait see the failure; without any, it must not become an unhandled rejection.
    this.result.catch(() => undefined);
  }

  get isAborted(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Call `leave` once for each `join`. */
  join(): void {
    this.#waiting += 1;
  }

  leave(): void {
    this.#waiting -= 1;
    if (this.#waiting === 0 && !this.#isSettled) this.#controller.abort(abortedError());
  }
}

/** Keeps the calls alive until the work that depends on them settles or the signal is aborted. */
export async function joinCalls<T>(
  calls: readonly VectorCall[],
  work: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (const call of calls) call.join();
  try {
    return await untilAborted(work, signal);
  } finally {
    for (const call of calls) call.leave();
  }
}

/** @throws RangeError when the provider returned fewer vectors than it was asked for */
export function vectorFor(key: string, vectors: KeyedVectors): Float32Array {
  const vector = vectors.get(key);
  if (!vector) throw new RangeError('The provider returned fewer vectors than inputs.');
  return vector;
}
