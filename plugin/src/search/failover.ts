import { timeoutReason, untilAborted } from '../abort';
import type { ActiveSpace, OpenSpace } from '../active-space';
import type { CircuitBreaker } from '../circuit-breaker';
import { systemClock, type Clock } from '../clock';
import type { EmbeddingProvider } from '../embedding/contract';
import { ImageSearchError, isProviderOutage } from '../errors';
import type { Logger } from '../logger';
import type { EmbeddableExample } from './contract';
import { currentVectorsOf, type ContentHashes, type SearchedSpace } from './current-vectors';
import type { QueryEmbedder } from './query-embedder';
import { embedExamples, textsOf } from './query-vectors';
import { ViewPenalties } from './view-penalty';

/** With a fallback, no search waits longer for the active provider. */
const FAILOVER_AFTER_MS = 4_000;
/** How long a health check may take that finds out whether the active provider is back. */
const PROBE_TIMEOUT_MS = 5_000;

type SpaceToOpen = Pick<ActiveSpace, 'get' | 'state' | 'health'>;

/** The spaces that searches use. */
export interface SearchSpaces {
  /** The active space, open or not. */
  activeSpace(): Promise<SpaceToOpen>;
  /** The fallback space, opened on first use; null without one. */
  getFallback?(signal?: AbortSignal): Promise<OpenSpace | null>;
  /** Whether a fallback is configured, open or not. */
  readonly hasFallback?: boolean;
}

/** A query as vectors of the one space that is searched. */
export interface EmbeddedQuery {
  space: SearchedSpace;
  isFallback: boolean;
  /** In the order of the examples; the error of a text that has no vector in this space. */
  vectors: Float32Array[] | ImageSearchError;
}

export interface FailoverOptions {
  spaces: SearchSpaces;
  embedder: QueryEmbedder;
  contentHashes: ContentHashes;
  logger: Logger;
  /** @default systemClock */
  clock?: Clock;
}

interface Query {
  examples: readonly EmbeddableExample[];
  signal: AbortSignal | undefined;
}

/**
 * Chooses the space that a query is embedded and searched in: the active one, or the fallback while the active
 * provider is down and the query needs it. All vectors of a query belong to that one space.
 */
export class Failover {
  readonly #spaces: SearchSpaces;
  readonly #embedder: QueryEmbedder;
  readonly #contentHashes: ContentHashes;
  readonly #clock: Clock;
  readonly #penalties: ViewPenalties;
  readonly #logger: Logger;
  /** The breaker whose outage was logged, until its recovery is. */
  #logged: CircuitBreaker | null = null;

  constructor({ spaces, embedder, contentHashes, logger, clock = systemClock }: FailoverOptions) {
    this.#contentHashes = contentHashes;
    this.#spaces = spaces;
    this.#embedder = embedder;
    this.#clock = clock;
    this.#penalties = new ViewPenalties(() => clock.elapsed());
    this.#logger = logger;
  }

  /** @throws ImageSearchError as the spaces, the provider and the store do, and `aborted` */
  async embed(query: Query): Promise<EmbeddedQuery> {
    if (this.#spaces.hasFallback !== true) return this.#embedActive(query);
    const fallback = await this.#fallbackOfVector(query);
    if (fallback) return this.#embedIn(fallback, query, true);
    const { signal } = query;
    try {
      return await this.#withTimeout(signal, (timeout) =>
        this.#embedActive({ ...query, signal: timeout }),
      );
    } catch (error) {
      if (!isProviderOutage(error) || signal?.aborted) throw error;
      return this.#embedInFallback(query, error);
    }
  }

  /** With a fallback, rejects at once when the provider is needed and known to be down. */
  async #embedActive(query: Query): Promise<EmbeddedQuery> {
    const { examples, signal } = query;
    const active = await untilAborted(this.#spaces.activeSpace(), signal);
    if (this.#spaces.hasFallback !== true) {
      const space = await untilAborted(active.get(), signal);
      return this.#embedIn(space, query, false);
    }
    const outage = this.#outageOf(active);
    // A model that hangs while it opens must not make every search wait.
    if (outage && active.state().kind !== 'open') throw outage;
    const space = await this.#open(active, signal);
    if (outage && (await this.#needsProvider(space.provider, query))) throw outage;
    try {
      return await this.#embedIn(space, query, false);
    } catch (error) {
      // Images wait in line to be decoded: on a timeout the provider may not have been called yet.
      const isCertain = !signal?.aborted || examples.every(({ kind }) => kind === 'text');
      if (isProviderOutage(error) && isCertain) this.#recordFailure(error, active.health.search);
      throw error;
    }
  }

  async #open(active: SpaceToOpen, signal: AbortSignal | undefined): Promise<OpenSpace> {
    const opening = active.get();
    try {
      return await untilAborted(opening, signal);
    } catch (error) {
      if (isProviderOutage(error) && signal?.aborted) {
        this.#recordHanging(opening, error, active.health.search);
      }
      throw error;
    }
  }

  #recordHanging(
    opening: Promise<OpenSpace>,
    error: ImageSearchError,
    breaker: CircuitBreaker,
  ): void {
    this.#recordFailure(error, breaker);
    opening.then(
      () => {
        breaker.recordSuccess();
      },
      () => {
        // Not a recovery, but the next search learns at once why it failed.
        breaker.recordSuccess();
        this.#logged = null;
      },
    );
  }

  /** Why the provider is known to be down; null while it isn't. Checks it in the background once a pause is over. */
  #outageOf(active: SpaceToOpen): ImageSearchError | null {
    const { search } = active.health;
    const outage = search.error();
    this.#logChange(search);
    if (outage) void search.probe(() => isHealthy(active));
    return outage;
  }

  #recordFailure(error: ImageSearchError, breaker: CircuitBreaker): void {
    // A search that began before the outage was known finds out nothing new.
    if (breaker.state() !== 'closed') return;
    breaker.recordFailure(error);
    this.#logChange(breaker);
  }

  #logChange(breaker: CircuitBreaker): void {
    const error = breaker.error();
    if (error && this.#logged !== breaker) {
      this.#logged = breaker;
      this.#logger.warn(
        `Searches are answered by the model of embedding.fallback until the provider is back. ${error.message}`,
      );
    } else if (!error && this.#logged === breaker) {
      this.#logged = null;
      this.#logger.info('The provider is back: it answers searches again.');
    }
  }

  async #embedInFallback(query: Query, outage: ImageSearchError): Promise<EmbeddedQuery> {
    try {
      const space = await untilAborted(this.#openFallback(), query.signal);
      if (space) return await this.#embedIn(space, query, true);
    } catch (error) {
      // The outage of the active provider explains more than that of the fallback.
      if (!isProviderOutage(error)) throw error;
    }
    throw outage;
  }

  async #embedIn(
    space: OpenSpace,
    { examples, signal }: Query,
    isFallback: boolean,
  ): Promise<EmbeddedQuery> {
    const { provider } = space;
    const collection = currentVectorsOf(space.collection, this.#contentHashes, this.#penalties);
    const searched = { provider, collection };
    const vectors = await embedExamples(searched, {
      examples,
      signal,
      embedder: this.#embedder,
    }).catch((error: unknown) => {
      if (error instanceof ImageSearchError && error.code === 'text-unknown') return error;
      throw error;
    });
    return { space: searched, isFallback, vectors };
  }

  /** The fallback space, when a vector of the query belongs to it. */
  async #fallbackOfVector({ examples, signal }: Query): Promise<OpenSpace | null> {
    if (!examples.some(({ kind }) => kind === 'vector')) return null;
    const space = await untilAborted(this.#openFallback(), signal).catch(() => null);
    const isOwn = examples.some(
      (example) => example.kind === 'vector' && example.spaceId === space?.provider.space.id,
    );
    return isOwn ? space : null;
  }

  async #openFallback(): Promise<OpenSpace | null> {
    return (await this.#spaces.getFallback?.()) ?? null;
  }

  /** Whether the query takes more than stored and cached vectors. */
  async #needsProvider(provider: EmbeddingProvider, { examples, signal }: Query): Promise<boolean> {
    const images = examples.filter((example) => example.kind === 'image');
    if (!this.#embedder.hasTexts(textsOf(examples), provider)) return true;
    return !(await this.#embedder.hasImages(images, provider, signal));
  }

  async #withTimeout<T>(
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const ended = new AbortController();
    const timeout = new AbortController();
    void this.#clock.wait(FAILOVER_AFTER_MS, ended.signal).then(() => {
      timeout.abort(timeoutReason("The provider didn't respond in time."));
    });
    try {
      return await work(signal ? AbortSignal.any([signal, timeout.signal]) : timeout.signal);
    } finally {
      ended.abort();
    }
  }
}

/** Never rejects. */
async function isHealthy(active: SpaceToOpen): Promise<boolean> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  try {
    const { provider } = await untilAborted(active.get(), signal);
    return (await provider.checkHealth({ signal })).ok;
  } catch {
    return false;
  }
}
