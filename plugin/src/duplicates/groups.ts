import { chunksOf } from '../chunks';
import type { DuplicateKind } from '../matching/contract';
import type {
  DuplicateGroup,
  DuplicatePair,
  DuplicatePairs,
  Findings,
  FoundPair,
  JudgedPair,
  PairChoice,
  PairCluster,
  PairStatus,
} from './contract';

type Pair = Pick<JudgedPair, 'fileA' | 'fileB'>;

/**
 * Groups files by their pairs. Every member is paired with the group's representative, and every pair is in exactly
 * one group. If A–B and B–C are pairs but A–C is not, the group is B with A and C; if C–D is a pair too, C also
 * represents a second group with D alone. So no two files in a group are more than one step apart and no pair is
 * lost, but a file may be in two groups.
 *
 * Greedy: the file with the most pairs (the lower id if tied) becomes a representative and takes its partners with
 * all pairs among them, then the file with the most remaining pairs, and so on. Order and repetition of the pairs
 * don't matter.
 *
 * @returns groups by ascending representative
 */
export function groupPairs(pairs: readonly Pair[]): DuplicateGroup[] {
  const partners = partnersOf(pairs);
  // Files by the number of pairs they had when last checked.
  const waiting: number[][] = [];
  for (const [file, files] of partners) (waiting[files.size] ??= []).push(file);
  const groups: DuplicateGroup[] = [];
  for (let count = waiting.length - 1; count > 0; count -= 1) {
    for (const file of (waiting[count] ?? []).sort((one, other) => one - other)) {
      const files = partners.get(file) ?? new Set();
      if (files.size < count) {
        (waiting[files.size] ??= []).push(file);
        continue;
      }
      const members = [...files].sort((one, other) => one - other);
      removePairsAmong([file, ...members], partners);
      groups.push({ representative: file, members });
    }
  }
  return groups.sort((one, other) => one.representative - other.representative);
}

/** Pairs read at a time. */
const MOST_PAIRS = 10_000;
const FILES_AT_A_TIME = 1_000;

/**
 * The files that each of these is paired with; files without pairs are missing.
 *
 * @param options `status` and `kinds` of the pairs; of any if left out
 * @throws whatever the database throws
 */
export async function readPartners(
  pairs: Pick<DuplicatePairs, 'pairsTouching'>,
  fileIds: readonly number[],
  { kinds, ...options }: { status?: PairStatus; kinds?: readonly DuplicateKind[] } = {},
): Promise<Map<number, Set<number>>> {
  const asked = new Set(fileIds);
  const found: DuplicatePair[] = [];
  for (const ids of chunksOf(asked, FILES_AT_A_TIME)) {
    found.push(...(await pairs.pairsTouching({ ...options, fileIds: ids, limit: MOST_PAIRS })));
  }
  const chosen = kinds ? found.filter(({ verdict }) => kinds.includes(verdict.kind)) : found;
  return new Map([...partnersOf(chosen)].filter(([fileId]) => asked.has(fileId)));
}

function partnersOf(pairs: readonly Pair[]): Map<number, Set<number>> {
  const partners = new Map<number, Set<number>>();
  const add = (file: number, partner: number): void => {
    const known = partners.get(file) ?? new Set();
    partners.set(file, known.add(partner));
  };
  for (const { fileA, fileB } of pairs) {
    if (fileA === fileB) continue;
    add(fileA, fileB);
    add(fileB, fileA);
  }
  return partners;
}

function removePairsAmong(files: readonly number[], partners: Map<number, Set<number>>): void {
  const group = new Set(files);
  for (const file of files) {
    const of = partners.get(file);
    for (const partner of of ?? []) if (group.has(partner)) of?.delete(partner);
  }
}

/** Maximum number of pairs read per cluster, newest first. Older ones follow once these are reviewed. */
const MAX_PAIRS = 300;
/** Maximum number of files in a group, including the representative. */
const MAX_FILES = 50;
/** Maximum number of reads per page when the caller may not see what was read. */
const MAX_READS = 10;

/** A group on a page. */
export interface PairGroup extends DuplicateGroup {
  /** All selected pairs between its files, newest first. */
  pairs: DuplicatePair[];
  /** Whether the group has more files than it lists. */
  hasMore: boolean;
}

export interface GroupPage {
  groups: PairGroup[];
  /** Start of the next page; null at the end. A page before that may be short or empty. */
  nextCursor: number | null;
}

/**
 * A page of groups, ordered by their newest pair; each group is on one page only. Stable unless pairs are added or
 * reviewed, and bounded in work however many pairs there are.
 *
 * @param options.limit approximate number of groups: groups read together stay together
 * @param options.keep filters pairs to those the caller may see; groups consist of these only
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
  for (let read = 0; read < MAX_READS; read += 1) {
    const page = await reader.listClusters({ ...choice, cursor, limit: limit - groups.length });
    const pairs = await keep(await readPairs(reader, choice, page.clusters));
    for (const { id, pairCount } of page.clusters) {
      const ofCluster = pairs.filter(({ cluster }) => cluster === id);
      groups.push(...toGroups(ofCluster, { isTruncated: pairCount > MAX_PAIRS }));
    }
    cursor = page.nextCursor;
    if (cursor === null || groups.length >= limit) break;
  }
  return { groups, nextCursor: cursor };
}

/** The group that contains this pair, as on a page; empty when the pair isn't selected or visible. */
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
  const read = await reader.pairsOfClusters({ ...choice, clusterIds, limit: MAX_PAIRS + 1 });
  const groups = toGroups(await keep(read.slice(0, MAX_PAIRS)), {
    isTruncated: read.length > MAX_PAIRS,
  });
  const hasPair = ({ pairs }: PairGroup): boolean => pairs.some(({ id }) => id === pairId);
  return { groups: groups.filter(hasPair), nextCursor: null };
}

/** Reads all small clusters at once, and the newest pairs of each large one. */
async function readPairs(
  reader: Pick<DuplicatePairs, 'pairsOfClusters'>,
  choice: PairChoice,
  clusters: readonly PairCluster[],
): Promise<DuplicatePair[]> {
  const small = clusters.filter(({ pairCount }) => pairCount <= MAX_PAIRS);
  const limit = small.reduce((sum, { pairCount }) => sum + pairCount, 0);
  const clusterIds = small.map(({ id }) => id);
  const pairs = await reader.pairsOfClusters({ ...choice, clusterIds, limit });
  for (const { id, pairCount } of clusters) {
    if (pairCount <= MAX_PAIRS) continue;
    pairs.push(
      ...(await reader.pairsOfClusters({ ...choice, clusterIds: [id], limit: MAX_PAIRS })),
    );
  }
  return pairs;
}

/** Each pair goes into the one group that `groupPairs` put it in. */
function toGroups(
  pairs: readonly DuplicatePair[],
  { isTruncated }: { isTruncated: boolean },
): PairGroup[] {
  const left = new Set(pairs);
  const inOrderOfCreation = groupPairs(pairs).sort(
    (one, other) =>
      other.members.length - one.members.length || one.representative - other.representative,
  );
  const groups = inOrderOfCreation.map(({ representative, members }): PairGroup => {
    const all = new Set([representative, ...members]);
    const shown = new Set([...all].slice(0, MAX_FILES));
    const isIn = (files: Set<number>, { fileA, fileB }: DuplicatePair): boolean =>
      files.has(fileA) && files.has(fileB);
    const own = [...left].filter((pair) => isIn(all, pair));
    for (const pair of own) left.delete(pair);
    return {
      representative,
      members: members.filter((member) => shown.has(member)),
      pairs: own.filter((pair) => isIn(shown, pair)),
      hasMore: isTruncated || shown.size < all.size,
    };
  });
  return groups.sort((one, other) => newestOf(other) - newestOf(one));
}

/** The number of groups that `pageOfGroups` makes of these pairs. */
export function countGroups(pairs: readonly (Pair & Pick<DuplicatePair, 'cluster'>)[]): number {
  const clusters = new Map<number, Pair[]>();
  for (const pair of pairs) {
    const ofCluster = clusters.get(pair.cluster);
    if (ofCluster) ofCluster.push(pair);
    else clusters.set(pair.cluster, [pair]);
  }
  return [...clusters.values()].reduce(
    (sum, ofCluster) => sum + groupPairs(ofCluster.slice(0, MAX_PAIRS)).length,
    0,
  );
}

function newestOf({ pairs }: PairGroup): number {
  return pairs[0]?.id ?? 0;
}

/** Existing clusters of the files whose pairs are added. A cluster's id is the id of the file at its center. */
export interface KnownClusters {
  /** The clusters of each file's pairs; files without pairs may be missing. */
  ofFile: ReadonlyMap<number, ReadonlySet<number>>;
  /** Number of pairs in each cluster. */
  sizes: ReadonlyMap<number, number>;
}

export interface ClusteredPairs<Found extends Pair> {
  added: (Found & { cluster: number })[];
  /** Clusters of a single known pair whose center moved to its other file: old id → new id. */
  moved: Map<number, number>;
}

/** With fewer new partners, a file may as well be the end of a chain. */
const MANY_PARTNERS = 3;

/**
 * Assigns new pairs to clusters, so that pairs shown together can be read together. A cluster is a file, its pairs,
 * and the pairs among its partners; it never grows along a chain. A pair joins a cluster that both files are in,
 * else the cluster that one of its files is the center of, else the one that most partners of one of its files are in,
 * else it starts a new one. In a cluster of one pair, the
 * file that gets the next pair becomes the center.
 */
export function clusterPairs<Found extends Pair>(
  pairs: readonly Found[],
  known: KnownClusters,
): ClusteredPairs<Found> {
  const ofFile = new Map([...known.ofFile].map(([file, clusters]) => [file, new Set(clusters)]));
  const sizes = new Map(known.sizes);
  const moved = new Map<number, number>();
  const partners = partnersOf(pairs);
  const added: (Found & { cluster: number })[] = [];
  const clustersOf = (file: number): Set<number> => {
    const clusters = ofFile.get(file) ?? new Set<number>();
    ofFile.set(file, clusters);
    return clusters;
  };

  /** Makes this file the center of one of its single-pair clusters; false when it has none. */
  function takeCenter(file: number): boolean {
    const single = [...clustersOf(file)].find((cluster) => sizes.get(cluster) === 1);
    if (single === undefined) return false;
    for (const clusters of ofFile.values()) if (clusters.delete(single)) clusters.add(file);
    sizes.delete(single);
    sizes.set(file, 1);
    const [mine] = added.filter(({ cluster }) => cluster === single);
    if (mine) mine.cluster = file;
    else moved.set(single, file);
    return true;
  }

  function choose({ fileA, fileB }: Pair): number {
    const [ofA, ofB] = [clustersOf(fileA), clustersOf(fileB)];
    const common = [...ofA].filter((cluster) => ofB.has(cluster));
    if (common.length > 0) return Math.min(...common);
    // A deleted file may still name a cluster, so the center must have a pair in it.
    const center = [fileA, fileB].find((file) => clustersOf(file).has(file));
    return (
      center ??
      clusterOfPartners(fileA, ofB) ??
      clusterOfPartners(fileB, ofA) ??
      [fileA, fileB].find(takeCenter) ??
      fileA
    );
  }

  /**
   * The cluster that this file isn't in but most of its new partners are, if there are several: crops of one image, of
   * which not all overlap.
   */
  function clusterOfPartners(file: number, ofPartner: ReadonlySet<number>): number | undefined {
    const all = [...(partners.get(file) ?? [])];
    if (all.length < MANY_PARTNERS) return undefined;
    const isCommon = (cluster: number): boolean =>
      all.filter((partner) => clustersOf(partner).has(cluster)).length > all.length / 2;
    const common = [...ofPartner].filter((cluster) => isCommon(cluster));
    return common.length > 0 ? Math.min(...common) : undefined;
  }

  for (const pair of pairs) {
    const cluster = choose(pair);
    added.push({ ...pair, cluster });
    clustersOf(pair.fileA).add(cluster);
    clustersOf(pair.fileB).add(cluster);
    sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
  }
  return { added, moved };
}

/**
 * Merges findings: each pair once, ordered by file ids so that all writers lock rows in the same order. Drops pairs
 * on bytes that another finding shows to be outdated.
 */
export function currentPairs(findings: readonly Findings[]): FoundPair[] {
  const hashes = new Map(findings.map(({ fileId, contentHash }) => [fileId, contentHash]));
  const isCurrent = (fileId: number, contentHash: string): boolean =>
    (hashes.get(fileId) ?? contentHash) === contentHash;
  const pairs = new Map<string, FoundPair>();
  for (const pair of findings.flatMap((finding) => finding.pairs)) {
    const { fileA, fileB, contentHashA, contentHashB } = pair;
    if (!isCurrent(fileA, contentHashA) || !isCurrent(fileB, contentHashB)) continue;
    pairs.set(`${String(fileA)} ${String(fileB)}`, pair);
  }
  return [...pairs.values()].sort(
    (one, other) => one.fileA - other.fileA || one.fileB - other.fileB,
  );
}
