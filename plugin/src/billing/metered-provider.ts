import type { Clock } from '../clock';
import type { EmbeddingProvider, EmbeddingUsage } from '../embedding/contract';
import type { UsageFigures } from './contract';
import type { UsageMeter } from './usage-meter';

/** What a hosted provider says of a request → what is counted. */
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
 * The provider, its work with pictures timed. What a local one does is counted here, too; a hosted one says itself
 * what it used (`ProviderContext.onUsage`).
 */
export function meterProvider(
  provider: EmbeddingProvider,
  { meter, isLocal, clock }: { meter: UsageMeter; isLocal: boolean; clock: Clock },
): EmbeddingProvider {
  const { closeScore, imagePreparation, limits, space } = provider;
  return {
    ...{ closeScore, imagePreparation, limits, space },
    async embedImages(images, options) {
      const startedAt = clock.now();
      const vectors = await provider.embedImages(images, options);
      const imageMilliseconds = clock.now() - startedAt;
      meter.count(space, { imageMilliseconds, ...(isLocal && { images: vectors.length }) });
      return vectors;
    },
    async embedTexts(texts, options) {
      const vectors = await provider.embedTexts(texts, options);
      if (isLocal) meter.count(space, { texts: vectors.length });
      return vectors;
    },
    checkHealth: (options) => provider.checkHealth(options),
    dispose: () => provider.dispose(),
  };
}
