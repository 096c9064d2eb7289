import type { EmbeddingQuota } from './contract';

/** Share of every quota that is reserved for searches; at least one request. */
const RESERVED_SHARE = 0.1;

/** What indexing may use per minute; the rest is reserved for searches. */
export function quotaForIndexing(quota: EmbeddingQuota): EmbeddingQuota {
  return {
    requestsPerMinute: withoutReserve(quota.requestsPerMinute),
    tokensPerMinute: withoutReserve(quota.tokensPerMinute),
    imagesPerMinute: withoutReserve(quota.imagesPerMinute),
  };
}

/** The maximum number of images in an indexing request that fits into a minute; at least 1, whatever the quota. */
export function mostImagesPerRequest(quota: EmbeddingQuota, tokensPerImage: number): number {
  const { imagesPerMinute, tokensPerMinute } = quotaForIndexing(quota);
  return Math.max(1, Math.floor(Math.min(imagesPerMinute, tokensPerMinute / tokensPerImage)));
}

/** How many requests of one size indexing may send per minute; at least 1, Infinity for no limit. */
export function requestsOfIndexing(
  quota: EmbeddingQuota,
  request: { images: number; tokens: number },
): number {
  const { imagesPerMinute, requestsPerMinute, tokensPerMinute } = quotaForIndexing(quota);
  const requests = Math.min(
    requestsPerMinute,
    imagesPerMinute / request.images,
    tokensPerMinute / request.tokens,
  );
  // A request that exceeds the quota gets a minute of its own.
  return Math.max(1, Math.floor(requests));
}

function withoutReserve(limit: number): number {
  if (!Number.isFinite(limit)) return limit;
  return Math.max(1, limit - Math.max(1, Math.floor(limit * RESERVED_SHARE)));
}
