/** What may be asked for in any minute; Infinity for no limit. A provider keeps to it by itself. */
export interface EmbeddingQuota {
  requestsPerMinute: number;
  tokensPerMinute: number;
  imagesPerMinute: number;
}

export const unlimitedQuota: EmbeddingQuota = {
  requestsPerMinute: Number.POSITIVE_INFINITY,
  tokensPerMinute: Number.POSITIVE_INFINITY,
  imagesPerMinute: Number.POSITIVE_INFINITY,
};

/** Share of every quota that what is not urgent leaves to searches, at least one request. */
const RESERVED_SHARE = 0.1;

/** What indexing may use up in a minute; the rest is left to searches. */
export function quotaForIndexing(quota: EmbeddingQuota): EmbeddingQuota {
  return {
    requestsPerMinute: withoutReserve(quota.requestsPerMinute),
    tokensPerMinute: withoutReserve(quota.tokensPerMinute),
    imagesPerMinute: withoutReserve(quota.imagesPerMinute),
  };
}

/** The largest request of indexing, in pictures, that a minute has room for; at least 1, whatever the quota. */
export function mostImagesPerRequest(quota: EmbeddingQuota, tokensPerImage: number): number {
  const { imagesPerMinute, tokensPerMinute } = quotaForIndexing(quota);
  return Math.max(1, Math.floor(Math.min(imagesPerMinute, tokensPerMinute / tokensPerImage)));
}

/** How many whole requests of one size indexing may make in a minute; at least 1, Infinity for no limit. */
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
  // One that is larger than the quota has a minute of its own.
  return Math.max(1, Math.floor(requests));
}

function withoutReserve(limit: number): number {
  if (!Number.isFinite(limit)) return limit;
  return Math.max(1, limit - Math.max(1, Math.floor(limit * RESERVED_SHARE)));
}
