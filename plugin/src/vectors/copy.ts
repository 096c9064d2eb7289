import type { VectorSpace } from '../embedding/contract';
import { abortedError, ImageSearchError } from '../errors';
import type { VectorCollection, VectorPoint, VectorStore } from './contract';

/** Maximum number of points in memory at a time. */
const MAX_PAGE = 500;
/** Maximum number of vector values in memory at a time: 4 MB, or some 20 MB as JSON. */
const MAX_PAGE_NUMBERS = 1_000_000;

export interface CopyOptions {
  source: VectorStore;
  target: VectorStore;
  /** Copies only this space. @default all spaces of the source */
  spaceId?: string | undefined;
  /**
   * Removes points that only the target has from copied spaces. Spaces that only the target has are never touched.
   *
   * @default false
   */
  removeExtra?: boolean | undefined;
  /** Called before the first page of a space and after every page. */
  onProgress?: ((progress: CopyProgress) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface CopyProgress {
  space: VectorSpace;
  /** Number of points in the source when this space was started. */
  total: number;
  /** Points of the source that the target has now: `copied` plus `unchanged`. */
  done: number;
  copied: number;
  /** Points that the target already had. */
  unchanged: number;
  /** Points that only the target has, or had; see `removeExtra`. */
  extra: number;
}

/**
 * Copies vectors with their payloads from one store to another, in pages of bounded size, ordered by id.
 *
 * A point that the target already has with an equal payload, content hash included, isn't written again. So an
 * interrupted copy resumes where it stopped, and a later one only copies changes. In the end, the ids and counts of
 * both stores are compared. What was copied before a failure stays.
 *
 * @returns the final progress of each space
 * @throws ImageSearchError `aborted` when the signal is; `invalid-input` when the source has no such space;
 * `store-space-clash` as `ensureSpace` does; a retryable `unexpected` when the target doesn't have what it was given
 * (perhaps because of another writer); and whatever the stores throw
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
    message: `There is no space "${spaceId}" to copy. Available spaces: ${known}.`,
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
    const extra = await verifyRange(range, { target, kept, removeExtra, signal });
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

/** One page of the source's ids and the range of all ids that it covers. */
interface IdRange {
  ids: number[];
  /** Exclusive lower bound; null for the first page. */
  after: number | null;
  /** Inclusive upper bound; Infinity for the last page. */
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
  return Math.max(1, Math.min(MAX_PAGE, Math.floor(MAX_PAGE_NUMBERS / dimensions)));
}

/** `kept`: ids whose vectors the source still had. */
async function copyPage(
  ids: readonly number[],
  { source, target }: { source: VectorCollection; target: VectorCollection },
): Promise<{ copied: number; kept: Set<number> }> {
  const points = await withViews(source, ids);
  const present = new Map((await withViews(target, ids)).map((point) => [point.fileId, point]));
  const missing = points.filter((point) => !isCopy(point, present.get(point.fileId)));
  await target.upsert(missing);
  return { copied: missing.length, kept: new Set(points.map(({ fileId }) => fileId)) };
}

async function withViews(
  collection: VectorCollection,
  ids: readonly number[],
): Promise<VectorPoint[]> {
  const [points, views] = await Promise.all([collection.getMany(ids), collection.viewsOf(ids)]);
  return points.map((point) => {
    const further = views.get(point.fileId);
    return further ? { ...point, views: further } : point;
  });
}

/** Within a space, equal content hashes mean equal vectors, of as many views as were stored. */
function isCopy({ payload, views = [] }: VectorPoint, other: VectorPoint | undefined): boolean {
  const { views: otherViews = [], payload: otherPayload } = other ?? {};
  return (
    views.length === otherViews.length &&
    payload.contentHash === otherPayload?.contentHash &&
    payload.mimeType === otherPayload.mimeType &&
    payload.extension === otherPayload.extension &&
    payload.createdAt === otherPayload.createdAt
  );
}

/** Verifies that the target has the ids kept. Returns how many other ids it has, or had, in the range. */
async function verifyRange(
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
  if (found < kept.size) throw countMismatch(target, kept.size - found);
  return extra;
}

async function* idsWithin(
  collection: VectorCollection,
  after: number | null,
  upTo: number,
): AsyncIterable<number[]> {
  const limit = MAX_PAGE;
  for (let cursor: number | null = after; ;) {
    const { ids, nextCursor } = await collection.listIds(cursor, limit);
    yield ids.filter((id) => id <= upTo);
    if (nextCursor === null || nextCursor >= upTo) return;
    cursor = nextCursor;
  }
}

async function verifyCount(target: VectorCollection, expected: number): Promise<void> {
  const count = await target.count();
  if (count !== expected) throw countMismatch(target, expected - count);
}

function countMismatch({ space }: VectorCollection, missing: number): ImageSearchError {
  const difference = `${String(Math.abs(missing))} points ${missing > 0 ? 'fewer' : 'more'}`;
  return new ImageSearchError({
    code: 'unexpected',
    message:
      `The target has ${difference} in "${space.id}" than were copied. Stop anything else that writes there, then run ` +
      'the copy again: it resumes where it stopped.',
    retryable: true,
  });
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError(signal.reason);
}
