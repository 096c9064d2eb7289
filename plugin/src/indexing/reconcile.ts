import type { OpenSpace } from '../active-space';
import type { PictureTraces } from '../duplicates/contract';
import type { Logger } from '../logger';
import type { IdPage } from '../vectors/contract';
import type {
  AssetDescription,
  AssetSource,
  IndexEntries,
  IndexEntry,
  ReconcileReport,
} from './contract';

const PAGE_SIZE = 500;

export interface ReconcileOptions {
  assets: AssetSource;
  entries: IndexEntries;
  traces: Pick<PictureTraces, 'get' | 'listIds'>;
  /** Null while no provider or store is to be had: vectors are not looked at then. */
  space: OpenSpace | null;
  logger: Logger;
  signal: AbortSignal;
}

/** What library, queue, vector store and traces say of one file id. */
interface Sighting {
  fileId: number;
  asset: AssetDescription | null;
  entry: IndexEntry | null;
  /** Null while the store is not to be had. */
  hasVector: boolean | null;
  hasTrace: boolean;
}

/**
 * Finds what hooks cannot see (imports, raw SQL, crashes, vectors that were lost) by walking library, queue, vector
 * store and traces side by side in id order, and marks what does not agree. The worker does
 * the rest, and looks at the file again before it acts, so a sighting that is out of date does no harm. Memory is
 * bounded by the page size. A vector that is there is taken for the right one: a store that was restored from an old copy
 * keeps the vectors of files that were replaced since.
 */
export async function reconcile(options: ReconcileOptions): Promise<ReconcileReport> {
  const { assets, entries, space, traces, logger, signal } = options;
  const report: ReconcileReport = { pictures: 0, marked: 0, retried: 0 };
  let suspects: number[] = [];

  async function markSuspects(): Promise<void> {
    const confirmed = await confirm({ fileIds: suspects, assets, entries, space, traces });
    suspects = [];
    if (signal.aborted) return;
    await entries.markPending(confirmed.map(({ fileId }) => fileId));
    report.marked += confirmed.length;
    report.retried += confirmed.filter(({ entry }) => entry?.state === 'failed').length;
  }

  for await (const sighting of sightings({ assets, entries, space, traces })) {
    if (signal.aborted) break;
    if (sighting.asset) report.pictures += 1;
    if (!needsWork(sighting)) continue;
    suspects.push(sighting.fileId);
    if (suspects.length >= PAGE_SIZE) await markSuspects();
  }
  if (suspects.length > 0 && !signal.aborted) await markSuspects();
  if (report.marked > 0) {
    logger.info(
      `Compared ${String(report.pictures)} pictures with the index: ${String(report.marked)} are due.`,
    );
  }
  return report;
}

export function needsWork(sighting: Sighting): boolean {
  const { asset, entry, hasVector, hasTrace } = sighting;
  if (!entry) return asset !== null || hasVector === true || hasTrace;
  if (entry.state === 'pending' || entry.state === 'indexing') return false;
  if (!asset) return true;
  if (entry.sourceSignature !== null && entry.sourceSignature !== asset.signature) return true;
  // Storage that was down for long may be back.
  if (entry.state === 'failed') return entry.errorCode === 'image-unreachable';
  return entry.state === 'indexed' && (hasVector === false || !hasTrace);
}

/**
 * The walk sees the sides at slightly different moments; only what still disagrees when all of them are asked
 * again is marked, so that a file that is being uploaded right now is not embedded twice.
 */
async function confirm(options: {
  fileIds: readonly number[];
  assets: AssetSource;
  entries: IndexEntries;
  space: OpenSpace | null;
  traces: Pick<PictureTraces, 'get'>;
}): Promise<Sighting[]> {
  const { fileIds, assets, entries, space, traces } = options;
  const points = space ? await space.collection.getMany(fileIds) : [];
  const withVector = new Set(points.map((point) => point.fileId));
  const fresh = new Map((await entries.get(fileIds)).map((entry) => [entry.fileId, entry]));
  const described = await assets.describeMany(fileIds);
  const traced = new Set((await traces.get(fileIds)).map((trace) => trace.fileId));
  const present = new Map(described.map((asset) => [asset.fileId, asset]));
  return fileIds
    .map((fileId) => ({
      fileId,
      asset: present.get(fileId) ?? null,
      entry: fresh.get(fileId) ?? null,
      hasVector: space && withVector.has(fileId),
      hasTrace: traced.has(fileId),
    }))
    .filter(needsWork);
}

async function* sightings(
  options: Pick<ReconcileOptions, 'assets' | 'entries' | 'space' | 'traces'>,
): AsyncGenerator<Sighting> {
  const { assets, entries, space, traces } = options;
  const library = pageWalker(async (cursor) => {
    const page = await assets.iterate(cursor, PAGE_SIZE);
    return { items: page.assets, nextCursor: page.nextCursor };
  });
  const queue = pageWalker(async (cursor) => {
    const page = await entries.list({ cursor, limit: PAGE_SIZE });
    return { items: page.entries, nextCursor: page.nextCursor };
  });
  const vectors = idWalker(async (cursor) =>
    space ? space.collection.listIds(cursor, PAGE_SIZE) : { ids: [], nextCursor: null },
  );
  const tracedIds = idWalker((cursor) => traces.listIds(cursor, PAGE_SIZE));
  let asset = await library.next();
  let entry = await queue.next();
  let vectorId = await vectors.next();
  let tracedId = await tracedIds.next();
  for (;;) {
    const ids = [asset?.fileId, entry?.fileId, vectorId, tracedId];
    const fileId = Math.min(...ids.map((id) => id ?? Infinity));
    if (fileId === Infinity) return;
    const isAsset = asset?.fileId === fileId;
    const isEntry = entry?.fileId === fileId;
    const isVector = vectorId === fileId;
    const hasTrace = tracedId === fileId;
    yield {
      fileId,
      asset: isAsset ? asset : null,
      entry: isEntry ? entry : null,
      hasVector: space && isVector,
      hasTrace,
    };
    if (isAsset) asset = await library.next();
    if (isEntry) entry = await queue.next();
    if (isVector) vectorId = await vectors.next();
    if (hasTrace) tracedId = await tracedIds.next();
  }
}

interface WalkedPage<Item> {
  items: Item[];
  nextCursor: number | null;
}

function idWalker(fetchPage: (cursor: number | null) => Promise<IdPage>) {
  return pageWalker(async (cursor) => {
    const { ids, nextCursor } = await fetchPage(cursor);
    return { items: ids, nextCursor };
  });
}

/** One item after the other from a source that answers pages; null after the last. */
function pageWalker<Item>(fetchPage: (cursor: number | null) => Promise<WalkedPage<Item>>) {
  let items: Item[] = [];
  let position = 0;
  let cursor: number | null = null;
  let isLastPage = false;
  return {
    async next(): Promise<Item | null> {
      while (position >= items.length) {
        if (isLastPage) return null;
        const page = await fetchPage(cursor);
        items = page.items;
        position = 0;
        cursor = page.nextCursor;
        isLastPage = cursor === null;
      }
      const item = items[position];
      position += 1;
      return item ?? null;
    },
  };
}
