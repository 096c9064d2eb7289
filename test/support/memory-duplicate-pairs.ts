import type { Clock } from '../../plugin/src/clock';
import {
  currentPairs,
  type DuplicateKind,
  type DuplicatePair,
  type DuplicatePairs,
  type Findings,
  type PairDecision,
  type PairStatus,
} from '../../plugin/src/duplicates/contract';

/** The pairs in memory: every method changes them in one synchronous step, so all of them are atomic. */
export class MemoryDuplicatePairs implements DuplicatePairs {
  readonly #pairs = new Map<number, DuplicatePair>();
  readonly #clock: Pick<Clock, 'now'>;
  #lastId = 0;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  record(findings: readonly Findings[]): Promise<number> {
    for (const { fileId, contentHash } of findings) {
      this.#delete(
        (pair) =>
          (pair.fileA === fileId && pair.contentHashA !== contentHash) ||
          (pair.fileB === fileId && pair.contentHashB !== contentHash),
      );
    }
    let added = 0;
    for (const found of currentPairs(findings)) {
      const { fileA, fileB, contentHashA, contentHashB } = found;
      const isOfFiles = (pair: DuplicatePair): boolean =>
        pair.fileA === fileA && pair.fileB === fileB;
      this.#delete(
        (pair) =>
          isOfFiles(pair) &&
          (pair.contentHashA !== contentHashA || pair.contentHashB !== contentHashB),
      );
      const known = this.#newestFirst().find(isOfFiles);
      if (known?.status === 'merged') continue;
      if (!known) added += 1;
      const fresh = {
        id: (this.#lastId += known ? 0 : 1),
        status: 'open' as const,
        foundAt: new Date(this.#clock.now()),
        decidedBy: null,
        decidedAt: null,
      };
      const pair: DuplicatePair = { ...(known ?? fresh), ...found };
      this.#pairs.set(pair.id, pair);
    }
    return Promise.resolve(added);
  }

  removeFiles(fileIds: readonly number[]): Promise<void> {
    this.#delete(({ fileA, fileB }) => fileIds.includes(fileA) || fileIds.includes(fileB));
    return Promise.resolve();
  }

  decide(id: number, { status, userId, decidedAt }: PairDecision): Promise<DuplicatePair | null> {
    const pair = this.#pairs.get(id);
    if (pair && pair.status !== 'merged' && pair.status !== status) {
      const decision =
        status === 'open' ? { decidedBy: null, decidedAt: null } : { decidedBy: userId, decidedAt };
      this.#pairs.set(id, { ...pair, status, ...decision });
    }
    return Promise.resolve(this.#pairs.get(id) ?? null);
  }

  markMerged(merge: {
    keptId: number;
    removedIds: readonly number[];
    userId: number | null;
  }): Promise<void> {
    const { keptId, removedIds, userId } = merge;
    const decidedAt = new Date(this.#clock.now());
    for (const pair of this.#newestFirst()) {
      const { fileA, fileB } = pair;
      const partner = fileA === keptId ? fileB : fileB === keptId ? fileA : null;
      if (partner === null || !removedIds.includes(partner) || pair.status === 'merged') continue;
      this.#pairs.set(pair.id, { ...pair, status: 'merged', decidedBy: userId, decidedAt });
    }
    return Promise.resolve();
  }

  get(ids: readonly number[]): Promise<DuplicatePair[]> {
    return Promise.resolve(this.#newestFirst().filter(({ id }) => ids.includes(id)));
  }

  list(options: {
    status: PairStatus;
    kind?: DuplicateKind | undefined;
    cursor: number | null;
    limit: number;
  }): Promise<{ pairs: DuplicatePair[]; nextCursor: number | null }> {
    const { status, kind, cursor, limit } = options;
    const found = this.#newestFirst().filter(
      (pair) =>
        pair.status === status &&
        (kind === undefined || pair.verdict.kind === kind) &&
        (cursor === null || pair.id < cursor),
    );
    const pairs = found.slice(0, limit);
    const nextCursor = found.length > limit ? (pairs.at(-1)?.id ?? null) : null;
    return Promise.resolve({ pairs, nextCursor });
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

  counts(): Promise<Record<PairStatus, number>> {
    const counts = { open: 0, ignored: 0, merged: 0 };
    for (const { status } of this.#pairs.values()) counts[status] += 1;
    return Promise.resolve(counts);
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
