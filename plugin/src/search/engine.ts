import type { VectorSpace } from '../embedding/contract';
import { ImageSearchError } from '../errors';
import { Answering, type AnsweringOptions, type EmbeddedQuestion } from './answering';
import { closeScoreFor } from './closeness';
import { composeQuery } from './composition';
import type {
  ExampleVector,
  SearchExample,
  SearchHit,
  SearchPage,
  SearchRequest,
  VisibleFiles,
} from './contract';
import { collectPage, type PageOptions } from './page';
import type { QueryUrls } from './query-urls';
import { fetchUrls, refuseUrls } from './url-examples';

/**
 * Questions → hits.
 *
 * - `search` answers best first, only files that `visible` lets through; files that serve as examples are left out.
 *   Fails with `file-not-found` (an example that the caller may not see is one), `not-ready` (an example that is not
 *   indexed yet), `space-mismatch` (a vector of another space), `invalid-input`, `image-*`, as
 *   `QueryUrls.read` does, and with what the provider and the store fail with.
 * - A signal that is aborted ends the wait for the space and for vectors: with `aborted`, or with
 *   `provider-unavailable` when its reason is a `TimeoutError`, a deadline.
 * - `embed` answers the vector of one text or picture.
 */
export class SearchEngine {
  readonly #answering: Answering;
  readonly #urls: QueryUrls | null;
  readonly #closeScore: number | null;

  constructor({
    urls = null,
    closeScore = null,
    ...options
  }: AnsweringOptions & {
    /** Null: an example that is the address of a picture is refused with `invalid-input`. */
    urls?: QueryUrls | null;
    /** As the operator set it, which wins over the model's own; see `EmbeddingProvider.closeScore`. */
    closeScore?: number | null | undefined;
  }) {
    this.#answering = new Answering(options);
    this.#urls = urls;
    this.#closeScore = closeScore;
  }

  async search<Row>(request: SearchRequest, visible: VisibleFiles<Row>): Promise<SearchPage<Row>> {
    const examples = [...request.like, ...request.unlike];
    refuseUrls(examples, this.#urls);
    const exampleIds = fileIdsOf(examples);
    await refuseInvisible(exampleIds, visible);
    const { space, isFallback, vectors } = await this.#embed(examples, request.signal);
    const like = vectors.slice(0, request.like.length);
    const unlike = vectors.slice(request.like.length);
    const question: PageOptions<Row> = {
      collection: space.collection,
      visible,
      vector: composeQuery(like, unlike),
      excludeIds: exampleIds,
      minimumScore: request.minimumScore,
      start: request.start,
      limit: request.limit,
      signal: request.signal,
    };
    const { hits, hasMore, bestScore } = await collectPage(question);
    // What was set is a score of the model that is to answer, not of the one to fall back on.
    const configured = isFallback ? null : this.#closeScore;
    const closeScore = closeScoreFor(request, space.provider, configured);
    const nothingClose =
      closeScore === null ? null : await isNothingClose(question, { bestScore, closeScore });
    const rows = await visible.load(hits.map((hit) => hit.fileId));
    return {
      hits: hits.flatMap(({ fileId, score }): SearchHit<Row>[] => {
        const row = rows.get(fileId);
        // A file that was deleted between the two questions is no hit any more.
        return row === undefined ? [] : [{ fileId, score, matchedBy: ['image'], row }];
      }),
      hasMore,
      nothingClose,
      spaceId: space.provider.space.id,
    };
  }

  async embed(
    example: Exclude<SearchExample, { kind: 'file' } | ExampleVector>,
    signal?: AbortSignal,
  ): Promise<{ vector: Float32Array; space: VectorSpace }> {
    const { space, vectors } = await this.#embed([example], signal);
    const [vector] = vectors;
    if (!vector) throw new RangeError('An example has no vector.');
    return { vector, space: space.provider.space };
  }

  async #embed(
    examples: readonly SearchExample[],
    signal: AbortSignal | undefined,
  ): Promise<EmbeddedQuestion> {
    const embeddable = await fetchUrls(examples, this.#urls, signal);
    return this.#answering.embed({ examples: embeddable, signal });
  }
}

async function isNothingClose<Row>(
  question: PageOptions<Row>,
  { bestScore, closeScore }: { bestScore: number | null; closeScore: number },
): Promise<boolean | null> {
  // The caller's minimum score may have left out what is close, or all there is.
  const isCut = bestScore === null && question.minimumScore !== undefined;
  const best = isCut
    ? (await collectPage({ ...question, minimumScore: undefined, start: 0, limit: 1 })).bestScore
    : bestScore;
  return best === null ? null : best < closeScore;
}

function fileIdsOf(examples: readonly SearchExample[]): number[] {
  const ids = examples.flatMap((example) => (example.kind === 'file' ? [example.fileId] : []));
  return [...new Set(ids)];
}

async function refuseInvisible<Row>(
  fileIds: readonly number[],
  visible: VisibleFiles<Row>,
): Promise<void> {
  if (fileIds.length === 0) return;
  const readable = await visible.keepReadable(fileIds);
  const unknown = fileIds.find((fileId) => !readable.has(fileId));
  if (unknown === undefined) return;
  throw new ImageSearchError({
    code: 'file-not-found',
    message: `There is no file ${String(unknown)} in the Media Library.`,
    retryable: false,
  });
}
