import type { VectorSpace } from '../embedding/contract';
import { ImageSearchError, isProviderOutage } from '../errors';
import type { Logger } from '../logger';
import type { TextIndex } from '../text/contract';
import { arrangePage, rejectContradictions } from './arrangement';
import type {
  EmbeddableExample,
  ExampleVector,
  KnownDuplicates,
  SearchExample,
  SearchHit,
  SearchPage,
  SearchRequest,
  VisibleFiles,
} from './contract';
import { Failover, type EmbeddedQuery, type FailoverOptions } from './failover';
import {
  DEFAULT_WEIGHT,
  findByWords,
  pageOfBoth,
  pageOfWords,
  QUOTATION_MARK,
  type RankedHit,
  type RankedPage,
  type WordMatches,
} from './hybrid';
import type { PageOptions } from './page';
import { type QueryUrls, fetchUrls, rejectUrls } from './query-urls';
import { composeQuery } from './query-vectors';
import type { CalibrationSource } from './relevance/contract';
import { createJudging, toRelevance } from './relevance/judging';
import { LIKELY } from './relevance/scale';

const NO_WORDS: WordMatches = { hits: [], hasPhrases: false };
const NO_DUPLICATES: KnownDuplicates = () => Promise.resolve(new Map<number, Set<number>>());
const NOT_CALIBRATED: CalibrationSource = { calibrationOf: () => Promise.resolve(null) };
const NO_FILES: ReadFile = (fileId) => {
  throw new RangeError(`There is nothing to read file ${String(fileId)} with.`);
};
/** Files that words alone find, on all pages together. */
const MOST_WORDS_ALONE = 2_000;

/**
 * The bytes of a file's image, or of a smaller copy if it is too large to search with.
 *
 * @throws ImageSearchError `image-*` and `storage-*`
 */
export type ReadFile = (fileId: number, signal: AbortSignal | undefined) => Promise<Uint8Array>;

/** Searches the library: a query becomes a vector, and the vector becomes a page of hits. */
export class SearchEngine {
  readonly #failover: Failover;
  readonly #urls: QueryUrls | null;
  readonly #closeScore: number | null;
  readonly #text: TextIndex | null;
  readonly #calibrations: CalibrationSource;
  readonly #duplicatesOf: KnownDuplicates;
  readonly #readFile: ReadFile;
  readonly #logger: Logger;

  constructor({
    urls = null,
    closeScore = null,
    text = null,
    calibrations = NOT_CALIBRATED,
    duplicatesOf = NO_DUPLICATES,
    readFile = NO_FILES,
    ...options
  }: FailoverOptions & {
    /** The words of the library. @default null, which matches images alone */
    text?: TextIndex | null;
    /** Null rejects images given by URL with `invalid-input`. */
    urls?: QueryUrls | null;
    /** What relevance means in each space. @default none, so that it is unknown */
    calibrations?: CalibrationSource;
    /** For `collapse`; only of the same image. @default no file has any */
    duplicatesOf?: KnownDuplicates;
    /** For parts of a file's image. */
    readFile?: ReadFile;
    /** `search.closeScore`, which overrides `EmbeddingProvider.closeScore`. */
    closeScore?: number | null | undefined;
  }) {
    this.#failover = new Failover(options);
    this.#urls = urls;
    this.#closeScore = closeScore;
    this.#text = text;
    this.#calibrations = calibrations;
    this.#duplicatesOf = duplicatesOf;
    this.#readFile = readFile;
    this.#logger = options.logger;
  }

  /**
   * Searches the files that `visible` allows, best match first, without those that serve as examples. A single text also
   * finds files by their words: if the model knows none of its words, or isn't responding, by those alone.
   *
   * @throws ImageSearchError
   * - `file-not-found` for an example that does not exist or that the caller may not see
   * - `not-ready` for an example that is not indexed yet, `space-mismatch` for a vector of another space
   * - `invalid-input` also for parameters that mean nothing together, `image-*` and what `QueryUrls.read`, the provider and the store throw
   * - `text-unknown` for one of several texts of which the model knows no word
   * - `aborted` when the signal is aborted, `provider-unavailable` when it times out
   */
  async search<Row>(request: SearchRequest, visible: VisibleFiles<Row>): Promise<SearchPage<Row>> {
    rejectContradictions(request);
    const examples = [...request.like, ...request.unlike];
    rejectUrls(examples, this.#urls);
    const exampleIds = fileIdsOf(examples);
    await rejectUnreadable(exampleIds, visible);
    const { mode = 'hybrid' } = request;
    const text = wordsOf(request);
    if (mode === 'text') return this.#searchWords(request, { visible, exampleIds, outage: null });
    const isHybrid = mode === 'hybrid' && text !== null && this.#text !== null;
    const searchingWords = isHybrid ? this.#findByWords(text, { visible }) : null;
    // Nobody waits for the words when the query itself fails.
    searchingWords?.catch(() => undefined);
    const embedded = await this.#embed(
      isHybrid ? examples.map(withoutQuotes) : examples,
      request.signal,
    ).catch((error: unknown) => {
      if (isHybrid && isProviderOutage(error) && !request.signal?.aborted) return error;
      throw error;
    });
    if (embedded instanceof ImageSearchError) {
      if (request.unlike.length > 0) throw embedded;
      return this.#searchWords(request, { visible, exampleIds, outage: embedded });
    }
    const { space, isFallback, vectors } = embedded;
    const words = without(exampleIds, (await searchingWords) ?? NO_WORDS);
    const answer = { mode: isHybrid ? mode : 'vector', isDegraded: false } as const;
    const spaceId = space.provider.space.id;
    if (vectors instanceof ImageSearchError) {
      if (text === null || request.unlike.length > 0) throw vectors;
      const page = await this.#pageOfWords(words, { request, visible });
      const noCloseMatch = page.bestRelevance === null || page.bestRelevance < LIKELY;
      return { ...(await this.#load(page, visible)), ...answer, noCloseMatch, spaceId };
    }
    const like = vectors.slice(0, request.like.length);
    const unlike = vectors.slice(request.like.length);
    // The configured score is for the active model, not for the fallback.
    const configured = isFallback || !isOneText(request) ? null : this.#closeScore;
    const options: PageOptions<Row> = {
      collection: space.collection,
      visible,
      vector: composeQuery(like, unlike),
      excludeIds: exampleIds,
      minimumScore: request.minimumScore,
      isWholeOnly: request.like.every((example) => example.kind === 'file' && !example.region),
      searchedWith: request.like.some(({ kind }) => kind === 'text') ? 'text' : 'image',
      start: request.start,
      limit: request.limit,
      signal: request.signal,
    };
    const judging = createJudging(request, {
      space,
      like,
      calibrations: this.#calibrations,
      closeScore: configured,
      logger: this.#logger,
    });
    const page = await arrangePage(request, {
      rank: (part) =>
        pageOfBoth({ ...options, ...part }, words, {
          weight: request.weight ?? DEFAULT_WEIGHT,
          judging,
        }),
      visible,
      excludeIds: exampleIds,
      duplicatesOf: this.#duplicatesOf,
      collection: space.collection,
    });
    const closeScore = configured ?? (isOneText(request) ? space.provider.closeScore : null);
    const noCloseMatch = isNothingClose(page, closeScore);
    return { ...(await this.#load(page, visible)), ...answer, noCloseMatch, spaceId };
  }

  /**
   * A page of the files that have the words of the query.
   *
   * @param outage why nothing else answers; thrown when no file has the words, because then nothing can be said
   */
  async #searchWords<Row>(
    request: SearchRequest,
    options: {
      visible: VisibleFiles<Row>;
      exampleIds: readonly number[];
      outage: ImageSearchError | null;
    },
  ): Promise<SearchPage<Row>> {
    const { exampleIds, outage, visible } = options;
    const text = request.unlike.length > 0 ? null : wordsOf(request);
    if (text === null || this.#text === null) throw textModeError(text !== null);
    // As many for every page: their order may depend on how many are compared.
    const limit = MOST_WORDS_ALONE;
    const found = await this.#findByWords(text, { visible, limit, isAlone: outage === null });
    const words = without(exampleIds, found);
    if (outage !== null && words.hits.length === 0) throw outage;
    const page = await this.#pageOfWords(words, { request, visible });
    return {
      ...(await this.#load(page, visible)),
      // What images show may be closer.
      noCloseMatch: outage === null ? isNothingClose(page, null) : null,
      spaceId: null,
      mode: 'text',
      isDegraded: outage !== null,
    };
  }

  #pageOfWords<Row>(
    words: WordMatches,
    { request, visible }: { request: SearchRequest; visible: VisibleFiles<Row> },
  ): Promise<RankedPage> {
    return arrangePage(request, {
      rank: (part) => Promise.resolve(pageOfWords(words, { ...request, ...part })),
      visible,
      excludeIds: fileIdsOf([...request.like, ...request.unlike]),
      duplicatesOf: this.#duplicatesOf,
      collection: null,
    });
  }

  /**
   * A failure of the index of words costs the words, never the search, unless the query asks for words alone (`isAlone`)
   * or has some in quotation marks.
   */
  async #findByWords<Row>(
    text: string,
    {
      isAlone = false,
      ...options
    }: { visible: VisibleFiles<Row>; limit?: number; isAlone?: boolean },
  ): Promise<WordMatches> {
    if (this.#text === null) return NO_WORDS;
    try {
      return await findByWords(this.#text, { text, ...options });
    } catch (error) {
      const isOptional = !isAlone && !QUOTATION_MARK.test(text);
      const isStore = error instanceof ImageSearchError && error.traits.part === 'store';
      if (!isOptional || !isStore) throw error;
      this.#logger.debug(`Words weren't searched. ${error.message}`);
      return NO_WORDS;
    }
  }

  async #load<Row>(
    { facets, hasMore, hits }: RankedPage,
    visible: VisibleFiles<Row>,
  ): Promise<Pick<SearchPage<Row>, 'hits' | 'hasMore' | 'facets'>> {
    const all = hits.flatMap((hit) => [hit, ...(hit.group?.others ?? [])]);
    const rows = await visible.load(all.map((hit) => hit.fileId));
    const toHits = ({ group, ...hit }: RankedHit): SearchHit<Row>[] => {
      const row = rows.get(hit.fileId);
      // The file was deleted after the store returned it.
      if (row === undefined) return [];
      const loaded = group && { ...group, others: group.others.flatMap(toHits) };
      const relevance = toRelevance(hit.relevance);
      return [{ ...hit, relevance, ...(loaded && { group: loaded }), row }];
    };
    return {
      hits: hits.flatMap(toHits),
      hasMore,
      ...(facets && { facets }),
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
    const read = embeddable.map((example) => this.#readRegion(example, signal));
    return this.#failover.embed({ examples: await Promise.all(read), signal });
  }

  /** A part of a file's image has no vector in the index: it is embedded as an image of its own. */
  async #readRegion(
    example: EmbeddableExample,
    signal: AbortSignal | undefined,
  ): Promise<EmbeddableExample> {
    if (example.kind !== 'file' || !example.region) return example;
    const { fileId, region } = example;
    try {
      return { kind: 'image', bytes: await this.#readFile(fileId, signal), region };
    } catch (error) {
      if (!(error instanceof ImageSearchError) || error.code === 'aborted') throw error;
      const { code, retryable } = error;
      const message = `region: the image of file ${String(fileId)} can't be read. Leave out region, or replace the file.`;
      throw new ImageSearchError({ code, message, retryable, cause: error });
    }
  }
}

/** The text whose words are searched; null if the query is more or less than that. */
function wordsOf({ like }: Pick<SearchRequest, 'like'>): string | null {
  const [first, ...more] = like;
  return first?.kind === 'text' && more.length === 0 ? first.text : null;
}

/** Files that serve as examples are no results. */
function without(fileIds: readonly number[], { hits, ...words }: WordMatches): WordMatches {
  return { ...words, hits: hits.filter(({ fileId }) => !fileIds.includes(fileId)) };
}

/** Quotation marks are for words; a model would take them for a part of the text. */
function withoutQuotes(example: SearchExample): SearchExample {
  if (example.kind !== 'text') return example;
  const text = example.text.replace(/["“”„«»「」]/gu, ' ');
  return text.trim() === '' ? example : { kind: 'text', text };
}

function textModeError(hasText: boolean): ImageSearchError {
  return new ImageSearchError({
    code: 'invalid-input',
    message: hasText
      ? 'mode: words aren\'t searched. Set words.enabled to true to allow "text".'
      : 'mode: "text" searches the words of a single text. Send one, or use "vector".',
    retryable: false,
  });
}

function isOneText({ like, unlike }: Pick<SearchRequest, 'like' | 'unlike'>): boolean {
  return like.length === 1 && like[0]?.kind === 'text' && unlike.length === 0;
}

/**
 * @param closeScore the similarity from which a single text's best match is close, by the configuration or the model; used
 * while relevance is unknown
 */
function isNothingClose(
  { bestRelevance, bestScore }: RankedPage,
  closeScore: number | null,
): boolean | null {
  if (bestRelevance !== null) return bestRelevance < LIKELY;
  return bestScore === null || closeScore === null ? null : bestScore < closeScore;
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
