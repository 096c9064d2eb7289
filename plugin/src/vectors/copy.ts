import type { VectorSpace } from '../embedding/contract';
import { abortedError, ImageSearchError } from '../errors';
import type { VectorCollection, VectorPayload, VectorPoint, VectorStore } from './contract';

/** Most points in memory at a time … */
const LARGEST_PAGE = 500;
/** … and most numbers of their vectors: 4 MB as they are, some 20 MB as JSON. */
const LARGEST_PAGE_NUMBERS = 1_000_000;

export interface CopyOptions {
  source: VectorStore;
  target: VectorStore;
  /** Copies this space alone; left out: all that the source has. */
  spaceId?: string | undefined;
  /**
   * Removes points of copied spaces that only the target has. Spaces that only the target has are left alone.
   * @default false
   */
  removeExtra?: boolean | undefined;
  /** Told where the copy stands before the first page of a space and after each. */
  onProgress?: ((progress: CopyProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface CopyProgress {
  space: VectorSpace;
  /** Points that the source had when this space began. */
  total: number;
  /** Points of the source that are at the target now: `copied` and `unchanged` together. */
  done: number;
  copied: number;
  /** Points that the target had already. */
  unchanged: number;
  /** Points that only the target has, or had: see `removeExtra`. */
  extra: number;
}

/**
 * Copies vectors with their payloads from store to store, in pages of bounded size and in the order of the ids.
 *
 * A point that the target has with an equal payload, content hash included, is not written again: an interrupted copy
 * that is begun anew goes on where it ended, and a later one catches up with what has changed. In the end the ids and
 * counts of both are compared. Answers how each space ended; no space, no copy.
 *
 * Fails with `aborted` when the signal is, with `invalid-input` when the source has no such space, with
 * `store-space-clash` as `ensureSpace` does, with a retryable `unexpected` when the target does not keep what it was
 * given (or another writes there meanwhile), and with what the stores fail with. What was copied before stays.
 */
export async function copyVectors(options: CopyOptions): Promise<CopyProgress[]> {
  const spaces = await chooseSpaces(options);
  const results: CopyProgress[] = [];
  for (const space of spaces) {
    throwIfAborted(options.signal);
    results.push(await copySpace(space, options));
  }
  return results;
}

async function chooseSpaces({ source, spaceId }: CopyOptions): Promise<VectorSpace[]> {
  const spaces = await source.listSpaces();
  if (spaceId === undefined) return spaces;
  const chosen = spaces.filter((space) => space.id === spaceId);
  if (chosen.length > 0) return chosen;
  const known = spaces.map((space) => `"${space.id}"`).join(', ') || 'none';
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `There is no space "${spaceId}" to copy. Spaces there are: ${known}.`,
    retryable: false,
  });
}

async function copySpace(space: VectorSpace, options: CopyOptions): Promise<CopyProgress> {
  const { onProgress = () => undefined, removeExtra = false, signal } = options;
  const source = await options.source.ensureSpace(space);
  const target = await options.target.ensureSpace(space);
  const total = await source.count();
  let progress: CopyProgress = { space, total, done: 0, copied: 0, unchanged: 0, extra: 0 };
  onProgress(progress);
  for await (const range of idRanges(source)) {
    throwIfAborted(signal);
    const { copied, kept } = await copyPage(range.ids, { source, target });
    const extra = await settleRange(range, { target, kept, removeExtra, signal });
    const done = progress.done + kept.size;
    progress = {
      ...progress,
      total: Math.max(total, done),
      done,
      copied: progress.copied + copied,
      unchanged: done - progress.copied - copied,
      extra: progress.extra + extra,
    };
    onProgress(progress);
  }
  await verifyCount(target, progress.done + (removeExtra ? 0 : progress.extra));
  return { ...progress, total: progress.done };
}

/** Ids of one page of the source, and which part of all ids the page speaks for. */
interface IdRange {
  ids: number[];
  /** The range's ids are larger than this; null for the first. */
  after: number | null;
  /** And not larger than this; Infinity for the last. */
  upTo: number;
}

async function* idRanges(collection: VectorCollection): AsyncIterable<IdRange> {
  const limit = pageSizeFor(collection.space);
  let after: number | null = null;
  do {
    const page = await collection.listIds(after, limit);
    yield { ids: page.ids, after, upTo: page.nextCursor ?? Infinity };
    after = page.nextCursor;
  } while (after !== null);
}

function pageSizeFor({ dimensions }: VectorSpace): number {
  return Math.max(1, Math.min(LARGEST_PAGE, Math.floor(LARGEST_PAGE_NUMBERS / dimensions)));
}

/** `kept`: ids that the source still had when it was asked for their vectors. */
async function copyPage(
  ids: readonly number[],
  { source, target }: { source: VectorCollection; target: VectorCollection },
): Promise<{ copied: number; kept: Set<number> }> {
  const [points, present] = await Promise.all([source.getMany(ids), target.getMany(ids)]);
  const payloads = new Map(present.map(({ fileId, payload }) => [fileId, payload]));
  const missing = points.filter((point) => !isCopy(point, payloads.get(point.fileId)));
  await target.upsert(missing);
  return { copied: missing.length, kept: new Set(points.map(({ fileId }) => fileId)) };
}

/** In one space a content hash stands for its vector. */
function isCopy({ payload }: VectorPoint, other: VectorPayload | undefined): boolean {
  return (
    payload.contentHash === other?.contentHash &&
    payload.mimeType === other.mimeType &&
    payload.extension === other.extension &&
    payload.createdAt === other.createdAt
  );
}

/** Makes sure that the target has the ids kept, and answers how many others it has (or had) in their range. */
async function settleRange(
  { after, upTo }: IdRange,
  options: {
    target: VectorCollection;
    kept: ReadonlySet<number>;
    removeExtra: boolean;
    signal: AbortSignal | undefined;
  },
): Promise<number> {
  const { target, kept, removeExtra, signal } = options;
  let [found, extra] = [0, 0];
  for await (const ids of idsWithin(target, after, upTo)) {
    throwIfAborted(signal);
    const others = ids.filter((id) => !kept.has(id));
    found += ids.length - others.length;
    extra += others.length;
    if (removeExtra) await target.remove(others);
  }
  if (found < kept.size) throw incomplete(target, kept.size - found);
  return extra;
}

async function* idsWithin(
  collection: VectorCollection,
  after: number | null,
  upTo: number,
): AsyncIterable<number[]> {
  const limit = LARGEST_PAGE;
  for (let cursor: number | null = after; ;) {
    const { ids, nextCursor } = await collection.listIds(cursor, limit);
    yield ids.filter((id) => id <= upTo);
    if (nextCursor === null || nextCursor >= upTo) return;
    cursor = nextCursor;
  }
}

async function verifyCount(target: VectorCollection, expected: number): Promise<void> {
  const count = await target.count();
  if (count !== expected) throw incomplete(target, expected - count);
}

function incomplete({ space }: VectorCollection, missing: number): ImageSearchError {
  const difference = `${String(Math.abs(missing))} points ${missing > 0 ? 'fewer' : 'more'}`;
  return new ImageSearchError({
    code: 'unexpected',
    message:
      `The target has ${difference} in "${space.id}" than it was given. If something else writes there, end that; ` +
      'then copy again: what is there already is not copied twice.',
    retryable: true,
  });
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal.reason);
}
