import type { ActiveSpace, OpenSpace } from '../active-space';
import type { VectorSpace } from '../embedding/contract';
import { ImageSearchError } from '../errors';
import { untilAborted } from './abortion';
import { closeScoreFor } from './closeness';
import { composeQuery, lengthOf } from './composition';
import type {
  ExampleVector,
  SearchExample,
  SearchHit,
  SearchPage,
  SearchRequest,
  VisibleFiles,
} from './contract';
import { collectPage, type PageOptions } from './page';
import type { QueryEmbedder } from './query-embedder';
import type { QueryUrls } from './query-urls';
import { vectorOfText, type TextVectors } from './query-texts';

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
  readonly #activeSpace: Pick<ActiveSpace, 'get'>;
  readonly #embedder: QueryEmbedder;
  readonly #urls: QueryUrls | null;
  readonly #closeScore: number | null;

  constructor({
    activeSpace,
    embedder,
    urls = null,
    closeScore = null,
  }: {
    /** Where searches are answered; asked for every one of them. */
    activeSpace: Pick<ActiveSpace, 'get'>;
    embedder: QueryEmbedder;
    /** Null: an example that is the address of a picture is refused with `invalid-input`. */
    urls?: QueryUrls | null;
    /** As the operator set it, which wins over the model's own; see `EmbeddingProvider.closeScore`. */
    closeScore?: number | null | undefined;
  }) {
    this.#activeSpace = activeSpace;
    this.#embedder = embedder;
    this.#urls = urls;
    this.#closeScore = closeScore;
  }

  async search<Row>(request: SearchRequest, visible: VisibleFiles<Row>): Promise<SearchPage<Row>> {
    const examples = [...request.like, ...request.unlike];
    this.#refuseUrls(examples);
    const space = await untilAborted(this.#activeSpace.get(), request.signal);
    const exampleIds = fileIdsOf(examples);
    await refuseInvisible(exampleIds, visible);
    const vectors = await this.#vectorsOf(examples, space, request.signal);
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
    const closeScore = closeScoreFor(request, space.provider, this.#closeScore);
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
    this.#refuseUrls([example]);
    const space = await untilAborted(this.#activeSpace.get(), signal);
    const [vector] = await this.#vectorsOf([example], space, signal);
    if (!vector) throw new RangeError('An example has no vector.');
    return { vector, space: space.provider.space };
  }

  #refuseUrls(examples: readonly SearchExample[]): void {
    if (this.#urls || examples.every(({ kind }) => kind !== 'url')) return;
    throw new ImageSearchError({
      code: 'invalid-input',
      message:
        'url: pictures are not fetched by their address here; the setting search.urls.enabled switches that on.',
      retryable: false,
    });
  }

  /** Texts together, for a call embeds many as fast as one; the rest one by one. */
  async #vectorsOf(
    examples: readonly SearchExample[],
    space: OpenSpace,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array[]> {
    const texts = examples.flatMap((example) => (example.kind === 'text' ? [example.text] : []));
    const byText = this.#embedder.embedTexts(texts, space.provider, signal);
    const work = Promise.all([
      byText,
      ...examples.map((example) => this.#vectorOf(example, { space, byText, signal })),
    ]);
    const [, ...vectors] = await untilAborted(work, signal);
    return vectors;
  }

  async #vectorOf(
    example: SearchExample,
    known: {
      space: OpenSpace;
      byText: Promise<TextVectors>;
      signal: AbortSignal | undefined;
    },
  ): Promise<Float32Array> {
    const { space, byText, signal } = known;
    switch (example.kind) {
      case 'text':
        return vectorOfText(example.text, await byText);
      case 'image':
        return this.#embedder.embedImage(example.bytes, space.provider, signal);
      case 'url':
        return this.#vectorOfUrl(example.url, space, signal);
      case 'file':
        return vectorOfFile(example.fileId, space);
      case 'vector':
        return toQueryVector(example, space.provider.space);
    }
  }

  async #vectorOfUrl(
    url: string,
    { provider }: OpenSpace,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    if (!this.#urls) throw new RangeError('Addresses are refused before they are looked at.');
    return this.#embedder.embedImage(await this.#urls.read(url, signal), provider, signal);
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

async function vectorOfFile(fileId: number, space: OpenSpace): Promise<Float32Array> {
  const [point] = await space.collection.getMany([fileId]);
  if (point) return point.vector;
  throw new ImageSearchError({
    code: 'not-ready',
    message: `File ${String(fileId)} is not indexed: it is no picture, still waiting, or could not be read.`,
    retryable: true,
  });
}

function toQueryVector(example: ExampleVector, space: VectorSpace): Float32Array {
  if (example.spaceId !== space.id) {
    throw new ImageSearchError({
      code: 'space-mismatch',
      message: `The vector was made in the space "${example.spaceId}", but "${space.id}" answers. Embed the query again.`,
      retryable: false,
    });
  }
  const hasDimensions = example.vector.length === space.dimensions;
  const length = hasDimensions ? lengthOf(example.vector) : 0;
  if (!Number.isFinite(length) || length === 0) {
    throw new ImageSearchError({
      code: 'invalid-input',
      message: `vector: must be ${String(space.dimensions)} finite numbers, not all zero; given: ${String(example.vector.length)} numbers.`,
      retryable: false,
    });
  }
  return example.vector.map((value) => value / length);
}
