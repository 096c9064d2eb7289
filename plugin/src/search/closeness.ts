import type { EmbeddingProvider } from '../embedding/contract';
import type { SearchRequest } from './contract';

/**
 * The score from which on a best hit means something, null when that cannot be told. It holds for one text as the
 * model embeds it: a mean of several texts, or one pushed away from another, lies on another scale, as pictures do.
 *
 * @param configured `search.closeScore`, which wins over what the model says of itself
 */
export function closeScoreFor(
  { like, unlike }: Pick<SearchRequest, 'like' | 'unlike'>,
  { closeScore }: Pick<EmbeddingProvider, 'closeScore'>,
  configured: number | null,
): number | null {
  const isOneText = like.length === 1 && like[0]?.kind === 'text' && unlike.length === 0;
  return isOneText ? (configured ?? closeScore) : null;
}
