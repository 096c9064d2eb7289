import { ImageSearchError } from '../errors';
import { untilAborted } from './abortion';
import type { SearchExample } from './contract';
import type { QueryUrls } from './query-urls';

/** An example that can be embedded as it is, in whichever space. */
export type EmbeddableExample = Exclude<SearchExample, { kind: 'url' }>;

/** @throws ImageSearchError `invalid-input` for an address where pictures are not fetched by it */
export function refuseUrls(examples: readonly SearchExample[], urls: QueryUrls | null): void {
  if (urls || examples.every(({ kind }) => kind !== 'url')) return;
  throw new ImageSearchError({
    code: 'invalid-input',
    message:
      'url: pictures are not fetched by their address here; the setting search.urls.enabled switches that on.',
    retryable: false,
  });
}

/** The pictures instead of their addresses, fetched once whichever model embeds them; fails as `QueryUrls.read` does. */
export async function fetchUrls(
  examples: readonly SearchExample[],
  urls: QueryUrls | null,
  signal: AbortSignal | undefined,
): Promise<EmbeddableExample[]> {
  refuseUrls(examples, urls);
  const fetched = examples.map(async (example): Promise<EmbeddableExample> => {
    if (example.kind !== 'url') return example;
    if (!urls) throw new RangeError('Addresses are refused before they are looked at.');
    return { kind: 'image', bytes: await urls.read(example.url, signal) };
  });
  return untilAborted(Promise.all(fetched), signal);
}
