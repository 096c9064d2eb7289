import type { Clock } from '../clock';
import type { EmbeddingProvider, EmbeddingUsage } from '../embedding/contract';
import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import { noFigures, type UsageFigures, type UsageKey, type UsageRecords } from './contract';
import { monthOf } from './cost';

/** How long counts may stay in memory; a process that is killed loses them. */
const WRITE_AFTER_MS = 5_000;

export interface UsageMeterOptions {
  records: UsageRecords;
  logger: Logger;
  clock: Clock;
}

interface Count {
  key: UsageKey;
  figures: UsageFigures;
}

/** Counts what models do and saves it every few seconds, so that a search doesn't wait for the database. */
export class UsageMeter {
  readonly #options: UsageMeterOptions;
  readonly #stopping = new AbortController();
  /** Not saved yet, by month, provider and model. */
  #counts = new Map<string, Count>();
  #isTimed = false;
  /** The last write; writes run one after another. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: UsageMeterOptions) {
    this.#options = options;
  }

  count(model: Omit<UsageKey, 'month'>, figures: Partial<UsageFigures>): void {
    const { clock } = this.#options;
    const { provider, model: name } = model;
    const key = { month: monthOf(clock.now()), provider, model: name };
    this.#add({ key, figures: { ...noFigures, ...figures } });
    if (this.#isTimed || this.#stopping.signal.aborted) return;
    this.#isTimed = true;
    void this.#writeLater();
  }

  /**
   * Saves everything that was counted before this call.
   *
   * @throws whatever the database throws; unsaved counts are kept
   */
  write(): Promise<void> {
    const written = this.#writing.then(() => this.#writeAll());
    this.#writing = written.catch(() => undefined);
    return written;
  }

  /** Saves what is left; never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.write().catch((error: unknown) => {
      this.#warn(error);
    });
  }

  /** Retries while the database fails, with one warning. */
  async #writeLater(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#stopping;
    let hasWarned = false;
    while (this.#counts.size > 0) {
      await clock.wait(WRITE_AFTER_MS, signal);
      if (signal.aborted) return;
      try {
        await this.write();
      } catch (error) {
        if (!hasWarned) this.#warn(error);
        hasWarned = true;
      }
    }
    this.#isTimed = false;
  }

  async #writeAll(): Promise<void> {
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    for (const [index, count] of counts.entries()) {
      try {
        await this.#options.records.add(count.key, count.figures);
      } catch (error) {
        for (const unwritten of counts.slice(index)) this.#add(unwritten);
        throw error;
      }
    }
  }

  #add({ key, figures }: Count): void {
    const id = JSON.stringify([key.month, key.provider, key.model]);
    const known = this.#counts.get(id);
    this.#counts.set(id, { key, figures: known ? addFigures(known.figures, figures) : figures });
  }

  #warn(error: unknown): void {
    const { message } = toImageSearchError(error);
    this.#options.logger.warn(`Model usage isn't saved yet: ${message}`);
  }
}

export function addFigures(one: UsageFigures, other: UsageFigures): UsageFigures {
  return {
    images: one.images + other.images,
    texts: one.texts + other.texts,
    imageTokens: one.imageTokens + other.imageTokens,
    textTokens: one.textTokens + other.textTokens,
    cost: one.cost + other.cost,
    unstatedRequests: one.unstatedRequests + other.unstatedRequests,
    imageMilliseconds: one.imageMilliseconds + other.imageMilliseconds,
  };
}

/** A hosted provider's usage of a request → figures to count. */
export function figuresOf({ images, texts, tokens, cost }: EmbeddingUsage): Partial<UsageFigures> {
  return {
    images,
    texts,
    [images > 0 ? 'imageTokens' : 'textTokens']: tokens ?? 0,
    cost: cost ?? 0,
    unstatedRequests: tokens === null && cost === null ? 1 : 0,
  };
}

/**
 * Times a provider's work with images, and counts what a local one does; a hosted one reports its usage itself
 * (`ProviderContext.onUsage`).
 */
export function meterProvider(
  provider: EmbeddingProvider,
  { meter, isLocal, clock }: { meter: UsageMeter; isLocal: boolean; clock: Clock },
): EmbeddingProvider {
  const { closeScore, imagePreparation, limits, space } = provider;
  return {
    closeScore,
    imagePreparation,
    limits,
    space,
    async embedImages(images, options) {
      const startedAt = clock.elapsed();
      const vectors = await provider.embedImages(images, options);
      const imageMilliseconds = clock.elapsed() - startedAt;
      meter.count(space, { imageMilliseconds, ...(isLocal && { images: vectors.length }) });
      return vectors;
    },
    async embedTexts(texts, options) {
      const vectors = await provider.embedTexts(texts, options);
      if (isLocal) meter.count(space, { texts: vectors.length });
      return vectors;
    },
    checkHealth: (options) => provider.checkHealth(options),
    warmUp: async () => provider.warmUp?.(),
    dispose: () => provider.dispose(),
  };
}
