import type {
  DuplicateGroup,
  DuplicatePair,
  DuplicatePairs,
  PairChoice,
  PairCluster,
} from './contract';
import { groupPairs } from './grouping';

/** Most pairs that are read of one cluster, the newest; once these are decided, older ones come up. */
const MOST_PAIRS = 300;
/** Most files of a group, its representative among them. */
const MOST_FILES = 50;
/** Times that further clusters are read for a page because of what its caller may not see. */
const MOST_READINGS = 10;

/** A group of a page. */
export interface PairGroup extends DuplicateGroup {
  /** All pairs as asked for between its files, newest first. */
  pairs: DuplicatePair[];
  /** Whether there are more files than could be told. */
  hasMore: boolean;
}

export interface GroupPage {
  groups: PairGroup[];
  /** Where the next page begins; null at the end. A page may be short, or empty, before that. */
  nextCursor: number | null;
}

/**
 * A page of groups, each at the place of the newest pair that it was read with, and on one page alone. Asked again it
 * is the same, unless pairs were added or decided. However many pairs and copies there are, a bounded number of them is read.
 *
 * @param options.limit about how many groups: what was read together is not torn apart
 * @param options.keep answers which of these pairs the caller may see; groups are made of these alone
 */
export async function pageOfGroups(
  reader: Pick<DuplicatePairs, 'listClusters' | 'pairsOfClusters'>,
  options: PairChoice & {
    cursor: number | null;
    limit: number;
    keep: (pairs: readonly DuplicatePair[]) => Promise<DuplicatePair[]>;
  },
): Promise<GroupPage> {
  const { limit, keep, ...choice } = options;
  const groups: PairGroup[] = [];
  let cursor = options.cursor;
  for (let reading = 0; reading < MOST_READINGS; reading += 1) {
    const page = await reader.listClusters({ ...choice, cursor, limit: limit - groups.length });
    const pairs = await keep(await readPairs(reader, choice, page.clusters));
    for (const { id, pairCount } of page.clusters) {
      const ofCluster = pairs.filter(({ cluster }) => cluster === id);
      groups.push(...toGroups(ofCluster, { isCut: pairCount > MOST_PAIRS }));
    }
    cursor = page.nextCursor;
    if (cursor === null || groups.length >= limit) break;
  }
  return { groups, nextCursor: cursor };
}

/** The one group that has this pair, as a page would have it; none when the pair is not as asked for, or may not be seen. */
export async function groupOfPair(
  reader: Pick<DuplicatePairs, 'get' | 'pairsOfClusters'>,
  options: PairChoice & {
    pairId: number;
    keep: (pairs: readonly DuplicatePair[]) => Promise<DuplicatePair[]>;
  },
): Promise<GroupPage> {
  const { pairId, keep, ...choice } = options;
  const [pair] = await reader.get([pairId]);
  const clusterIds = pair ? [pair.cluster] : [];
  const read = await reader.pairsOfClusters({ ...choice, clusterIds, limit: MOST_PAIRS + 1 });
  const groups = toGroups(await keep(read.slice(0, MOST_PAIRS)), {
    isCut: read.length > MOST_PAIRS,
  });
  const hasPair = ({ pairs }: PairGroup): boolean => pairs.some(({ id }) => id === pairId);
  return { groups: groups.filter(hasPair), nextCursor: null };
}

/** Of small clusters all at once, of each large one its newest. */
async function readPairs(
  reader: Pick<DuplicatePairs, 'pairsOfClusters'>,
  choice: PairChoice,
  clusters: readonly PairCluster[],
): Promise<DuplicatePair[]> {
  const small = clusters.filter(({ pairCount }) => pairCount <= MOST_PAIRS);
  const limit = small.reduce((sum, { pairCount }) => sum + pairCount, 0);
  const clusterIds = small.map(({ id }) => id);
  const pairs = await reader.pairsOfClusters({ ...choice, clusterIds, limit });
  for (const { id, pairCount } of clusters) {
    if (pairCount <= MOST_PAIRS) continue;
    pairs.push(
      ...(await reader.pairsOfClusters({ ...choice, clusterIds: [id], limit: MOST_PAIRS })),
    );
  }
  return pairs;
}

/** Each pair goes into one group, the one that `groupPairs` made of it. */
function toGroups(pairs: readonly DuplicatePair[], { isCut }: { isCut: boolean }): PairGroup[] {
  const left = new Set(pairs);
  const inOrderOfMaking = groupPairs(pairs).sort(
    (one, other) =>
      other.members.length - one.members.length || one.representative - other.representative,
  );
  const groups = inOrderOfMaking.map(({ representative, members }): PairGroup => {
    const all = new Set([representative, ...members]);
    const shown = new Set([...all].slice(0, MOST_FILES));
    const isIn = (files: Set<number>, { fileA, fileB }: DuplicatePair): boolean =>
      files.has(fileA) && files.has(fileB);
    const own = [...left].filter((pair) => isIn(all, pair));
    for (const pair of own) left.delete(pair);
    return {
      representative,
      members: members.filter((member) => shown.has(member)),
      pairs: own.filter((pair) => isIn(shown, pair)),
      hasMore: isCut || shown.size < all.size,
    };
  });
  return groups.sort((one, other) => newestOf(other) - newestOf(one));
}

function newestOf({ pairs }: PairGroup): number {
  return pairs[0]?.id ?? 0;
}
