import type { VectorSpace, EmbeddingProvider } from '../embedding/contract';
import { ImageSearchError } from '../errors';
import type {
  ExampleVector,
  SearchExample,
  SearchHit,
  SearchPage,
  SearchRequest,
  VisibleFiles,
} from './contract';
import { Failover, type EmbeddedQuery, type FailoverOptions } from './failover';
import { collectPage, type PageOptions } from './page';
import { type QueryUrls, fetchUrls, rejectUrls } from './query-urls';
import { composeQuery } from './query-vectors';

/** Searches the library: a query becomes a vector, and the vector becomes a page of hits. */
export class SearchEngine {
  readonly #failover: Failover;
  readonly #urls: QueryUrls | null;
  readonly #closeScore: number | null;

  constructor({
    urls = null,
    closeScore = null,
    ...options
  }: FailoverOptions & {
    /** Null rejects images given by URL with `invalid-input`. */
    urls?: QueryUrls | null;
    /** `search.closeScore`, which overrides `EmbeddingProvider.closeScore`. */
    closeScore?: number | null | undefined;
  }) {
    this.#failover = new Failover(options);
    this.#urls = urls;
    this.#closeScore = closeScore;
  }

  /**
   * Searches the files that `visible` allows, best match first, without those that serve as examples. A single text of
   * which the model knows no word finds nothing.
   *
   * @throws ImageSearchError
   * - `file-not-found` for an example that does not exist or that the caller may not see
   * - `not-ready` for an example that is not indexed yet, `space-mismatch` for a vector of another space
   * - `invalid-input`, `image-*` and what `QueryUrls.read`, the provider and the store throw
   * - `text-unknown` for one of several texts of which the model knows no word
   * - `aborted` when the signal is aborted, `provider-unavailable` when it times out
   */
  async search<Row>(request: SearchRequest, visible: VisibleFiles<Row>): Promise<SearchPage<Row>> {
    const examples = [...request.like, ...request.unlike];
    rejectUrls(examples, this.#urls);
    const exampleIds = fileIdsOf(examples);
    await rejectUnreadable(exampleIds, visible);
    const { space, isFallback, vectors } = await this.#embed(examples, request.signal);
    if (vectors instanceof ImageSearchError) {
      if (!isOneText(request)) throw vectors;
      return { hits: [], hasMore: false, noCloseMatch: true, spaceId: space.provider.space.id };
    }
    const like = vectors.slice(0, request.like.length);
    const unlike = vectors.slice(request.like.length);
    const page: PageOptions<Row> = {
      collection: space.collection,
      visible,
      vector: composeQuery(like, unlike),
      excludeIds: exampleIds,
      minimumScore: request.minimumScore,
      isWholeOnly: request.like.every(({ kind }) => kind === 'file'),
      start: request.start,
      limit: request.limit,
      signal: request.signal,
    };
    const { hits, hasMore, bestScore } = await collectPage(page);
    // The configured score is for the active model, not for the fallback.
    const configured = isFallback ? null : this.#closeScore;
    const closeScore = closeScoreFor(request, space.provider, configured);
    const noCloseMatch =
      closeScore === null ? null : await isNothingClose(page, { bestScore, closeScore });
    const rows = await visible.load(hits.map((hit) => hit.fileId));
    return {
      hits: hits.flatMap(({ fileId, score, view }): SearchHit<Row>[] => {
        const row = rows.get(fileId);
        // The file was deleted after the store returned it.
        return row === undefined
          ? []
          : [{ fileId, score, matchedBy: ['image'], ...(view && { view }), row }];
      }),
      hasMore,
      noCloseMatch,
      spaceId: space.provider.space.id,
    };
  }

  /**
   * Embeds one text or image.
   *
   * @throws ImageSearchError as `search` does
   */
  async embed(
    example: Exclude<SearchExample, { kind: 'file' } | ExampleVector>,
    signal?: AbortSignal,
  ): Promise<{ vector: Float32Array; space: VectorSpace }> {
    const { space, vectors } = await this.#embed([example], signal);
    if (vectors instanceof ImageSearchError) throw vectors;
    const [vector] = vectors;
    if (!vector) throw new RangeError('An example has no vector.');
    return { vector, space: space.provider.space };
  }

  async #embed(
    examples: readonly SearchExample[],
    signal: AbortSignal | undefined,
  ): Promise<EmbeddedQuery> {
    const embeddable = await fetchUrls(examples, this.#urls, signal);
    return this.#failover.embed({ examples: embeddable, signal });
  }
}

/**
 * The score from which a hit counts as a close match; null when unknown. It is calibrated for a single text: means of
 * several texts, texts with exclusions, and images score on other scales.
 *
 * @param configured `search.closeScore`, which overrides the model's own
 */
function closeScoreFor(
  request: Pick<SearchRequest, 'like' | 'unlike'>,
  { closeScore }: Pick<EmbeddingProvider, 'closeScore'>,
  configured: number | null,
): number | null {
  return isOneText(request) ? (configured ?? closeScore) : null;
}

function isOneText({ like, unlike }: Pick<SearchRequest, 'like' | 'unlike'>): boolean {
  return like.length === 1 && like[0]?.kind === 'text' && unlike.length === 0;
}

async function isNothingClose<Row>(
  page: PageOptions<Row>,
  { bestScore, closeScore }: { bestScore: number | null; closeScore: number },
): Promise<boolean | null> {
  // The caller's minimum score may have dropped every hit.
  const isCut = bestScore === null && page.minimumScore !== undefined;
  const best = isCut
    ? (await collectPage({ ...page, minimumScore: undefined, start: 0, limit: 1 })).bestScore
    : bestScore;
  return best === null ? null : best < closeScore;
}

function fileIdsOf(examples: readonly SearchExample[]): number[] {
  const ids = examples.flatMap((example) => (example.kind === 'file' ? [example.fileId] : []));
  return [...new Set(ids)];
}

async function rejectUnreadable<Row>(
  fileIds: readonly number[],
  visible: VisibleFiles<Row>,
): Promise<void> {
  if (fileIds.length === 0) return;
  const readable = await visible.filterReadable(fileIds);
  const unknown = fileIds.find((fileId) => !readable.has(fileId));
  if (unknown === undefined) return;
  throw new ImageSearchError({
    code: 'file-not-found',
    message: `File ${String(unknown)} not found.`,
    retryable: false,
  });
}
