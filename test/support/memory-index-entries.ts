import type { Clock } from '../../plugin/src/clock';
import {
  indexPriorities,
  indexStates,
  type EntryCounts,
  type EntryFailure,
  type EntryPage,
  type IndexedEntry,
  type IndexEntries,
  type IndexEntry,
  type IndexPriority,
  type IndexState,
} from '../../plugin/src/indexing/contract';
import type { Lease } from '../../plugin/src/lease';

interface Row extends IndexEntry {
  dueAt: Date | null;
  leaseExpiresAt: Date | null;
}

const noLease = { lease: null, leaseExpiresAt: null };
const noError = { errorCode: null, errorMessage: null };

/** The queue of one space in memory: every method changes it in one synchronous step, so all of them are atomic. */
export class MemoryIndexEntries implements IndexEntries {
  readonly #rows = new Map<number, Row>();
  readonly #clock: Pick<Clock, 'now'>;

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  markPending(fileIds: readonly number[], marked: IndexPriority = 'backfill'): Promise<void> {
    for (const fileId of fileIds) {
      const row = this.#rows.get(fileId);
      const isWaiting = row?.state === 'pending' || row?.state === 'indexing';
      const priority = isWaiting ? moreUrgent(row.priority, marked) : marked;
      this.#rows.set(fileId, {
        ...(row ?? emptyRow(fileId)),
        ...this.#freshlyPending(),
        priority,
      });
    }
    return Promise.resolve();
  }

  markStatesPending(states: readonly IndexState[]): Promise<number> {
    return this.#change(
      (row) => states.includes(row.state),
      () => ({ ...this.#freshlyPending(), priority: 'backfill', contentHash: null }),
    );
  }

  makeDue(): Promise<number> {
    return this.#change(
      (row) => row.state === 'pending' && timeOf(row.dueAt) > this.#clock.now(),
      () => ({ dueAt: new Date(this.#clock.now()) }),
    );
  }

  claim(limit: number, lease: Lease, oldest = 0): Promise<IndexEntry[]> {
    const due = this.#sorted()
      .filter((row) => row.state === 'pending' && timeOf(row.dueAt) <= this.#clock.now())
      .sort((left, right) => timeOf(left.dueAt) - timeOf(right.dueAt));
    const byPriority = due
      .splice(0, oldest)
      .concat(due.sort((left, right) => positionOf(left) - positionOf(right)))
      .slice(0, limit)
      .sort((left, right) => positionOf(left) - positionOf(right));
    const claimed = byPriority.map((row): Row => ({
      ...row,
      state: 'indexing',
      attempts: row.attempts + 1,
      lease: lease.token,
      leaseExpiresAt: lease.expiresAt,
    }));
    for (const row of claimed) this.#rows.set(row.fileId, row);
    return Promise.resolve(claimed.map(toEntry));
  }

  renew(lease: Lease): Promise<number> {
    return this.#change(
      (row) => row.lease === lease.token,
      () => ({ leaseExpiresAt: lease.expiresAt }),
    );
  }

  async complete(indexed: readonly IndexedEntry[]): Promise<number[]> {
    const written: number[] = [];
    for (const { fileId, lease, contentHash, sourceSignature } of indexed) {
      const isWritten = await this.#changeLeased(fileId, lease, () => ({
        contentHash,
        sourceSignature,
        ...noError,
        state: 'indexed',
        dueAt: null,
        indexedAt: new Date(this.#clock.now()),
      }));
      if (isWritten) written.push(fileId);
    }
    return written;
  }

  fail(fileId: number, leaseToken: string, failure: EntryFailure): Promise<boolean> {
    const { code, message, next, sourceSignature } = failure;
    return this.#changeLeased(fileId, leaseToken, () => ({
      state: next.state,
      dueAt: next.state === 'pending' ? next.dueAt : null,
      errorCode: code,
      errorMessage: message,
      sourceSignature,
    }));
  }

  release(fileId: number, leaseToken: string, dueAt: Date): Promise<boolean> {
    return this.#changeLeased(fileId, leaseToken, ({ attempts }) => ({
      state: 'pending',
      attempts: attempts - 1,
      dueAt,
    }));
  }

  forget(fileId: number, leaseToken: string): Promise<boolean> {
    const isHeld = this.#rows.get(fileId)?.lease === leaseToken;
    return Promise.resolve(isHeld && this.#rows.delete(fileId));
  }

  releaseExpired(now: Date): Promise<number> {
    return this.#change(
      (row) => row.state === 'indexing' && timeOf(row.leaseExpiresAt) < now.getTime(),
      () => ({ state: 'pending', dueAt: now, ...noLease }),
    );
  }

  async limitTimes({ due, expiry }: { due: Date; expiry: Date }): Promise<void> {
    await this.#change(
      (row) => row.state === 'pending' && timeOf(row.dueAt) > due.getTime(),
      () => ({ dueAt: due }),
    );
    await this.#change(
      (row) => row.state === 'indexing' && timeOf(row.leaseExpiresAt) > expiry.getTime(),
      () => ({ leaseExpiresAt: expiry }),
    );
  }

  releaseAbandoned(isAbandoned: (leaseToken: string) => boolean): Promise<number> {
    return this.#change(
      (row) => row.lease !== null && isAbandoned(row.lease),
      () => ({ state: 'pending', dueAt: new Date(this.#clock.now()), ...noLease }),
    );
  }

  nextDueAt(): Promise<Date | null> {
    const times = this.#sorted()
      .filter((row) => row.state === 'pending')
      .map((row) => timeOf(row.dueAt));
    return Promise.resolve(times.length === 0 ? null : new Date(Math.min(...times)));
  }

  counts(): Promise<EntryCounts> {
    const rows = this.#sorted();
    const counted = indexStates.map((state) => [
      state,
      rows.filter((row) => row.state === state).length,
    ]);
    return Promise.resolve(Object.fromEntries(counted) as EntryCounts);
  }

  countIndexed(): Promise<number> {
    return this.countIndexedSince(new Date(0));
  }

  countSearchable(): Promise<number> {
    const rows = this.#sorted().filter(({ indexedAt, state }) => {
      return indexedAt !== null && ['indexed', 'pending', 'indexing'].includes(state);
    });
    return Promise.resolve(rows.length);
  }

  countIndexedSince(moment: Date): Promise<number> {
    const rows = this.#sorted().filter((row) => row.state === 'indexed');
    return Promise.resolve(
      rows.filter((row) => row.indexedAt !== null && row.indexedAt >= moment).length,
    );
  }

  clear(): Promise<void> {
    this.#rows.clear();
    return Promise.resolve();
  }

  get(fileIds: readonly number[]): Promise<IndexEntry[]> {
    const rows = [...new Set(fileIds)].flatMap((fileId) => this.#rows.get(fileId) ?? []);
    return Promise.resolve(rows.map(toEntry));
  }

  list(options: {
    states?: readonly IndexState[];
    priorities?: readonly IndexPriority[];
    cursor: number | null;
    limit: number;
  }): Promise<EntryPage> {
    const { states = indexStates, priorities = indexPriorities, cursor, limit } = options;
    const rows = this.#sorted()
      .filter((row) => states.includes(row.state) && priorities.includes(row.priority))
      .filter((row) => row.fileId > (cursor ?? 0))
      .slice(0, limit);
    const last = rows.length === limit ? rows.at(-1) : undefined;
    return Promise.resolve({ entries: rows.map(toEntry), nextCursor: last?.fileId ?? null });
  }

  #freshlyPending() {
    const dueAt = new Date(this.#clock.now());
    return { state: 'pending' as const, attempts: 0, dueAt, ...noLease, ...noError };
  }

  #sorted(): Row[] {
    return [...this.#rows.values()].sort((left, right) => left.fileId - right.fileId);
  }

  #change(matches: (row: Row) => boolean, change: (row: Row) => Partial<Row>): Promise<number> {
    const rows = this.#sorted().filter(matches);
    for (const row of rows) this.#rows.set(row.fileId, { ...row, ...change(row) });
    return Promise.resolve(rows.length);
  }

  async #changeLeased(
    fileId: number,
    leaseToken: string,
    change: (row: Row) => Partial<Row>,
  ): Promise<boolean> {
    const changed = await this.#change(
      (row) => row.fileId === fileId && row.lease === leaseToken,
      (row) => ({ ...noLease, ...change(row) }),
    );
    return changed > 0;
  }
}

function emptyRow(fileId: number): Row {
  return {
    fileId,
    state: 'pending',
    priority: 'backfill',
    attempts: 0,
    dueAt: null,
    ...noLease,
    ...noError,
    contentHash: null,
    sourceSignature: null,
    indexedAt: null,
  };
}

/** A copy without what a caller does not see. */
function toEntry(row: Row): IndexEntry {
  const entry: IndexEntry & Partial<Row> = { ...row };
  delete entry.dueAt;
  delete entry.leaseExpiresAt;
  return entry;
}

function moreUrgent(one: IndexPriority, other: IndexPriority): IndexPriority {
  return indexPriorities.indexOf(one) < indexPriorities.indexOf(other) ? one : other;
}

function positionOf({ priority }: Row): number {
  return indexPriorities.indexOf(priority);
}

function timeOf(date: Date | null): number {
  return date?.getTime() ?? Infinity;
}
