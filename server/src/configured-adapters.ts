import { figuresOf, meterProvider } from '../../plugin/src/billing/metered-provider';
import type { UsageMeter } from '../../plugin/src/billing/usage-meter';
import type { Clock } from '../../plugin/src/clock';
import type { ImageSearchConfig } from '../../plugin/src/config';
import { type EmbeddingProvider, type ProviderContext } from '../../plugin/src/embedding/contract';
import {
  isLocalProvider,
  openEmbeddingProvider,
  splitFallback,
  type EmbeddingConfig,
} from '../../plugin/src/embedding/registry';
import type { PictureReader } from '../../plugin/src/images/contract';
import { createPictureReader } from '../../plugin/src/images/picture-reader';
import { currentOwner } from '../../plugin/src/indexing/lease';
import type { GuardedFetch } from '../../plugin/src/network/contract';
import { QueryEmbedder } from '../../plugin/src/search/query-embedder';
import { QueryUrls } from '../../plugin/src/search/query-urls';
import type { SpaceTrackParts } from './space-track';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;

/** Every model that the configuration has settings for, the one that is to answer first. */
export function configuredModels(config: ImageSearchConfig): EmbeddingConfig[] {
  const { embedding, fallback } = splitFallback(config.embedding);
  const { previousEmbedding } = config;
  return [embedding, previousEmbedding, fallback].filter((model) => model != null);
}

/** A provider whose work is counted. */
export async function openMetered(
  config: EmbeddingConfig,
  {
    meter,
    clock,
    ...context
  }: Omit<ProviderContext, 'onUsage'> & { meter: UsageMeter; clock: Clock },
): Promise<EmbeddingProvider> {
  const opened: { provider?: EmbeddingProvider } = {};
  const provider = await openEmbeddingProvider(config, {
    ...context,
    onUsage: (usage) => {
      if (opened.provider) meter.count(opened.provider.space, figuresOf(usage));
    },
  });
  opened.provider = provider;
  return meterProvider(provider, { meter, isLocal: isLocalProvider(config.provider), clock });
}

export function createWorkerSettings({
  indexing,
}: ImageSearchConfig): Omit<SpaceTrackParts['worker'], 'duplicates' | 'isHeld' | 'traces'> {
  return {
    pictures: createPictureReader({
      maxBytes: indexing.maxBytes,
      maxPixels: indexing.maxPixels,
      timeoutMs: indexing.decodeTimeoutSeconds * SECOND_MS,
    }),
    policy: {
      maxAttempts: indexing.maxAttempts,
      firstRetryMs: indexing.firstRetrySeconds * SECOND_MS,
      longestRetryMs: indexing.longestRetrySeconds * SECOND_MS,
    },
    concurrency: indexing.concurrency,
    leaseMs: indexing.leaseSeconds * SECOND_MS,
    maxBytes: indexing.maxBytes,
    owner: currentOwner(),
    random: Math.random,
  };
}

function createQueryPictures({ search }: ImageSearchConfig): PictureReader {
  return createPictureReader({
    maxBytes: search.maxImageBytes,
    maxPixels: search.maxPixels,
    timeoutMs: search.decodeTimeoutSeconds * SECOND_MS,
  });
}

export function createQueryEmbedder(config: ImageSearchConfig): QueryEmbedder {
  const { search } = config;
  return new QueryEmbedder({
    pictures: createQueryPictures(config),
    cacheEntries: search.queryCacheEntries,
    cacheMs: search.queryCacheMinutes * MINUTE_MS,
  });
}

export function createQueryUrls({ search }: ImageSearchConfig, fetch: GuardedFetch): QueryUrls {
  return new QueryUrls({
    fetch,
    maxBytes: search.maxImageBytes,
    timeoutMs: search.urls.timeoutSeconds * SECOND_MS,
    atOnce: search.urls.concurrency,
  });
}
