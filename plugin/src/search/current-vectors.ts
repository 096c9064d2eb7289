import type { EmbeddingProvider } from '../embedding/contract';
import type { VectorCollection, VectorHit, VectorPoint, VectorQuery } from '../vectors/contract';
import type { ViewPenalties } from './view-penalty';

/** Further hits that are looked at when some are dropped. */
const CHECKED_BEYOND_LIMIT = 2_000;

/**
 * Content hashes of these files' bytes when a space last indexed them, by file id; files that it never indexed are
 * missing.
 */
export type ContentHashes = (
  spaceId: string,
  fileIds: readonly number[],
) => Promise<Map<number, string>>;

/** What a search reads from a collection. */
export type SearchedCollection = Pick<VectorCollection, 'space' | 'search' | 'getMany' | 'count'>;

export interface SearchedSpace {
  provider: EmbeddingProvider;
  collection: SearchedCollection;
}

/**
 * A collection without the vectors of other bytes than the files have: a store may be restored, copied or replaced
 * independently of the database, and then has the vector of another image under a file's id until that is indexed again.
 *
 * `search` may return fewer hits than the contract promises when more than CHECKED_BEYOND_LIMIT are dropped.
 */
export function currentVectorsOf(
  collection: VectorCollection,
  contentHashes: ContentHashes,
  penalties: Pick<ViewPenalties, 'penaltyFor'>,
): SearchedCollection {
  const { space } = collection;

  async function onlyCurrent(hits: readonly VectorHit[]): Promise<VectorHit[]> {
    if (hits.length === 0) return [];
    const fileIds = hits.map(({ fileId }) => fileId);
    const [stored, known] = await Promise.all([
      collection.contentHashesOf(fileIds),
      contentHashes(space.id, fileIds),
    ]);
    return hits.filter(({ fileId }) => isSame(stored.get(fileId), known.get(fileId)));
  }

  return {
    space,
    count: () => collection.count(),

    async search(asked: VectorQuery): Promise<VectorHit[]> {
      const viewPenalty =
        asked.isWholeOnly === true ? 0 : await penalties.penaltyFor(collection, asked.vector);
      const query = viewPenalty === 0 ? asked : { ...asked, viewPenalty };
      const found = await collection.search(query);
      const current = await onlyCurrent(found);
      if (current.length === found.length || found.length < query.limit) return current;
      const deeper = await collection.search({
        ...query,
        limit: query.limit + CHECKED_BEYOND_LIMIT,
      });
      const further = await onlyCurrent(deeper.slice(found.length));
      return [...current, ...further].slice(0, query.limit);
    },

    async getMany(fileIds: readonly number[]): Promise<VectorPoint[]> {
      const [points, known] = await Promise.all([
        collection.getMany(fileIds),
        contentHashes(space.id, fileIds),
      ]);
      return points.filter(({ fileId, payload }) => isSame(payload.contentHash, known.get(fileId)));
    },
  };
}

function isSame(stored: string | undefined, known: string | undefined): boolean {
  return stored !== undefined && stored === known;
}
