import type { Clock } from '../../plugin/src/clock';
import {
  pairStatuses,
  type DuplicatePair,
  type DuplicatePairs,
  type Findings,
  type FoundPair,
  type PairChoice,
  type PairCluster,
  type PairReview,
  type PairStatus,
} from '../../plugin/src/duplicates/contract';
import {
  clusterPairs,
  countGroups,
  currentPairs,
  type KnownClusters,
} from '../../plugin/src/duplicates/groups';

/** The pairs in memory: every method changes them in one synchronous step, so all of them are atomic. */
export class MemoryDuplicatePairs implements DuplicatePairs {
  readonly #pairs = new Map<number, DuplicatePair>();
  /** Reviews by the bytes of both files. */
  readonly #reviews = new Map<string, Reviewed>();
  readonly #hasBytes: HasBytes;
  readonly #clock: Pick<Clock, 'now'>;
  #lastId = 0;

  constructor(clock: Pick<Clock, 'now'>, hasBytes: HasBytes = () => false) {
    this.#clock = clock;
    this.#hasBytes = hasBytes;
  }

  record(findings: readonly Findings[]): Promise<number> {
    for (const { fileId, contentHash } of findings) {
      this.#delete(
        (pair) =>
          (pair.fileA === fileId && pair.contentHashA !== contentHash) ||
          (pair.fileB === fileId && pair.contentHashB !== contentHash),
      );
    }
    for (const refuted of findings.flatMap((finding) => finding.refuted ?? [])) {
      this.#delete(
        (pair) =>
          pair.status === 'open' &&
          pair.fileA === refuted.fileA &&
          pair.fileB === refuted.fileB &&
          isOnSameBytes(pair, refuted),
      );
    }
    const unknown: FoundPair[] = [];
    for (const found of currentPairs(findings)) {
      const isOfFiles = (pair: DuplicatePair): boolean =>
        pair.fileA === found.fileA && pair.fileB === found.fileB;
      this.#delete((pair) => isOfFiles(pair) && !isOnSameBytes(pair, found));
      const known = this.#newestFirst().find(isOfFiles);
      if (!known) unknown.push(found);
      else if (known.status !== 'merged') this.#pairs.set(known.id, { ...known, ...found });
    }
    const added = unknown.filter((found) => !this.#reviewOn(found)).length;
    this.#add(unknown);
    return Promise.resolve(added);
  }

  #add(found: readonly FoundPair[]): void {
    const { added, moved } = clusterPairs(found, this.#clusters());
    for (const pair of this.#newestFirst()) {
      this.#pairs.set(pair.id, { ...pair, cluster: moved.get(pair.cluster) ?? pair.cluster });
    }
    for (const pair of added) {
      const id = (this.#lastId += 1);
      const foundAt = new Date(this.#clock.now());
      const { reviewedBy = null, reviewedAt = null } = this.#reviewOn(pair) ?? {};
      const status = reviewedAt ? 'ignored' : 'open';
      this.#pairs.set(id, { ...pair, id, status, foundAt, reviewedBy, reviewedAt });
      if (reviewedAt) this.#reviews.set(hashesOf(pair), { pair, reviewedBy, reviewedAt });
    }
  }

  #reviewOn(found: FoundPair): Reviewed | undefined {
    const review = this.#reviews.get(hashesOf(found));
    if (!review) return undefined;
    const { contentHashA, contentHashB, fileA, fileB } = review.pair;
    const areBothThere = this.#hasBytes(fileA, contentHashA) && this.#hasBytes(fileB, contentHashB);
    return areBothThere ? undefined : review;
  }

  #clusters(): KnownClusters {
    const ofFile = new Map<number, Set<number>>();
    const sizes = new Map<number, number>();
    for (const { fileA, fileB, cluster } of this.#pairs.values()) {
      for (const file of [fileA, fileB]) {
        ofFile.set(file, (ofFile.get(file) ?? new Set()).add(cluster));
      }
      sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
    }
    return { ofFile, sizes };
  }

  removeFiles(fileIds: readonly number[]): Promise<void> {
    this.#delete(({ fileA, fileB }) => fileIds.includes(fileA) || fileIds.includes(fileB));
    return Promise.resolve();
  }

  review(id: number, { status, userId, reviewedAt }: PairReview): Promise<DuplicatePair | null> {
    const pair = this.#pairs.get(id);
    if (pair && pair.status !== 'merged' && pair.status !== status) {
      const review =
        status === 'open'
          ? { reviewedBy: null, reviewedAt: null }
          : { reviewedBy: userId, reviewedAt };
      this.#pairs.set(id, { ...pair, status, ...review });
      if (status === 'open') this.#reviews.delete(hashesOf(pair));
      else this.#reviews.set(hashesOf(pair), { pair, reviewedBy: userId, reviewedAt });
    }
    return Promise.resolve(this.#pairs.get(id) ?? null);
  }

  markMerged(merge: { keptId: number; removedId: number; userId: number | null }): Promise<void> {
    const { keptId, removedId, userId } = merge;
    const reviewedAt = new Date(this.#clock.now());
    for (const pair of this.#newestFirst()) {
      const { fileA, fileB } = pair;
      const partner = fileA === keptId ? fileB : fileB === keptId ? fileA : null;
      if (partner !== removedId || pair.status === 'merged') continue;
      this.#pairs.set(pair.id, { ...pair, status: 'merged', reviewedBy: userId, reviewedAt });
    }
    return Promise.resolve();
  }

  restore(pairs: readonly DuplicatePair[]): Promise<void> {
    for (const { fileA, fileB, status, reviewedBy, reviewedAt, ...pair } of pairs) {
      const known = this.#newestFirst().find((one) => one.fileA === fileA && one.fileB === fileB);
      if (known && known.status !== 'merged') continue;
      if (!known) this.#add([{ ...pair, fileA, fileB }]);
      const restored = known ?? this.#newestFirst()[0];
      if (restored) {
        this.#pairs.set(restored.id, { ...restored, status, reviewedBy, reviewedAt });
      }
    }
    return Promise.resolve();
  }

  get(ids: readonly number[]): Promise<DuplicatePair[]> {
    return Promise.resolve(this.#newestFirst().filter(({ id }) => ids.includes(id)));
  }

  list({
    cursor,
    limit,
    ...choice
  }: PairChoice & { cursor: number | null; limit: number }): Promise<{
    pairs: DuplicatePair[];
    nextCursor: number | null;
  }> {
    const found = this.#chosen(choice).filter(({ id }) => cursor === null || id < cursor);
    const pairs = found.slice(0, limit);
    const nextCursor = found.length > limit ? (pairs.at(-1)?.id ?? null) : null;
    return Promise.resolve({ pairs, nextCursor });
  }

  listClusters({
    cursor,
    limit,
    ...choice
  }: PairChoice & { cursor: number | null; limit: number }): Promise<{
    clusters: PairCluster[];
    nextCursor: number | null;
  }> {
    const clusters = new Map<number, PairCluster>();
    for (const { id: newestPairId, cluster: id } of this.#chosen(choice)) {
      const known = clusters.get(id) ?? { id, newestPairId, pairCount: 0 };
      clusters.set(id, { ...known, pairCount: known.pairCount + 1 });
    }
    const found = [...clusters.values()].filter(
      ({ newestPairId }) => cursor === null || newestPairId < cursor,
    );
    const page = found.slice(0, limit);
    const nextCursor = found.length > limit ? (page.at(-1)?.newestPairId ?? null) : null;
    return Promise.resolve({ clusters: page, nextCursor });
  }

  pairsOfClusters({
    clusterIds,
    limit,
    ...choice
  }: PairChoice & { clusterIds: readonly number[]; limit: number }): Promise<DuplicatePair[]> {
    const found = this.#chosen(choice).filter(({ cluster }) => clusterIds.includes(cluster));
    return Promise.resolve(found.slice(0, limit));
  }

  pairsTouching(options: {
    fileIds: readonly number[];
    status?: PairStatus | undefined;
    limit: number;
  }): Promise<DuplicatePair[]> {
    const { fileIds, status, limit } = options;
    const found = this.#newestFirst().filter(
      (pair) =>
        (fileIds.includes(pair.fileA) || fileIds.includes(pair.fileB)) &&
        (status === undefined || pair.status === status),
    );
    return Promise.resolve(found.slice(0, limit));
  }

  counts<Status extends PairStatus>(
    statuses: readonly Status[] = pairStatuses as readonly PairStatus[] as readonly Status[],
  ): Promise<Record<Status, number>> {
    const counted = statuses.map((status) => [status, countGroups(this.#chosen({ status }))]);
    return Promise.resolve(Object.fromEntries(counted) as Record<Status, number>);
  }

  #chosen({ status, kind }: PairChoice): DuplicatePair[] {
    return this.#newestFirst().filter(
      (pair) => pair.status === status && (kind === undefined || pair.verdict.kind === kind),
    );
  }

  #newestFirst(): DuplicatePair[] {
    return [...this.#pairs.values()].sort((one, other) => other.id - one.id);
  }

  /** Those that are not merged. */
  #delete(matches: (pair: DuplicatePair) => boolean): void {
    for (const pair of this.#newestFirst()) {
      if (pair.status !== 'merged' && matches(pair)) this.#pairs.delete(pair.id);
    }
  }
}

/** Whether a file exists and has these bytes. */
type HasBytes = (fileId: number, contentHash: string) => boolean;

interface Reviewed {
  pair: FoundPair;
  reviewedBy: number | null;
  reviewedAt: Date;
}

type ComparedBytes = Pick<FoundPair, 'contentHashA' | 'contentHashB'>;

function isOnSameBytes(one: ComparedBytes, other: ComparedBytes): boolean {
  return one.contentHashA === other.contentHashA && one.contentHashB === other.contentHashB;
}

function hashesOf({ contentHashA, contentHashB }: FoundPair): string {
  return [contentHashA, contentHashB].sort().join(' ');
}
