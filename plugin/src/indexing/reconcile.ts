import type { ActiveSpace, OpenSpace } from '../active-space';
import { chunksOf } from '../chunks';
import type { Clock } from '../clock';
import type { DuplicateWatch, ImageTraces } from '../duplicates/contract';
import { errorTraits, toImageSearchError } from '../errors';
import {
  claimJob,
  createLease,
  keepRenewing,
  type JobClaim,
  type JobLeases,
  type Lease,
  type LeaseOwner,
} from '../lease';
import type { Logger } from '../logger';
import type { VectorPoint } from '../vectors/contract';
import type {
  AssetDescription,
  AssetSource,
  IndexEntries,
  IndexEntry,
  ReconcileReport,
} from './contract';

const PAGE_SIZE = 500;
const MINUTE_MS = 60_000;
/** After a comparison that failed or could not include vectors. */
const RETRY_MS = 5 * MINUTE_MS;
/** How often a process checks whether a comparison is due that no other process has made. */
const POLL_MS = MINUTE_MS;
/** How often the queue is checked before what is left of deleted files is removed. */
const QUEUE_POLL_MS = 2_000;
/** Processes that start within this time of each other count as one boot. */
const BOOT_MS = MINUTE_MS;

/** Whether the optional reader for files of this MIME type, for lack of which they were skipped, is installed. */
type HasReader = (mimeType: string) => boolean;

export interface ReconcileScheduleOptions {
  assets: AssetSource;
  entries: IndexEntries;
  traces: ImageTraces;
  duplicates: Pick<DuplicateWatch, 'forget'>;
  activeSpace: ActiveSpace;
  hasReaderFor?: HasReader | undefined;
  jobs: JobLeases;
  /** The job's name, equal in all processes. Called after the space was opened, if it can be. */
  jobName: () => string;
  /** How long a killed process blocks others from its comparison. */
  leaseMs: number;
  owner: LeaseOwner;
  /** When this server was started, in milliseconds since the epoch. */
  bootedAt: number;
  /** 0: at boot and on demand only. */
  everyMinutes: number;
  onMarked: () => void;
  logger: Logger;
  clock: Clock;
}

/** `failed` includes a comparison that could not include vectors. */
type Turn = 'done' | 'held' | 'failed';

/**
 * Compares the library and the index at boot, on a schedule and on demand, one comparison at a time. Scheduled ones are
 * shared: a process compares at its boot only if none was started since, and then the first process does one per
 * interval. The clocks of all machines are assumed to agree within `CLOCK_TOLERANCE_MS`; they may be set at any time.
 */
export class ReconcileSchedule {
  readonly #options: ReconcileScheduleOptions;
  readonly #stopping = new AbortController();
  #running: Promise<ReconcileReport> | null = null;
  #isTakingTurn = false;
  /** Of a comparison to repeat; it keeps other processes from repeating it sooner. */
  #postponed: Lease | null = null;
  #loop: Promise<void> | null = null;
  /** Waits to remove what is left of deleted files. */
  #removal: Promise<void> | null = null;

  constructor(options: ReconcileScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** Joins the comparison in progress, if any. */
  async runNow(): Promise<ReconcileReport> {
    this.#running ??= this.#reconcile().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** Runs a comparison that starts after this call, so that its report has nothing that was marked before. */
  async runAfresh(): Promise<ReconcileReport> {
    await this.#running?.catch(() => undefined);
    return this.runNow();
  }

  /** Like `runAfresh`, but failures are logged. Never rejects. */
  async runAgain(): Promise<void> {
    await this.runAfresh().catch((error: unknown) => {
      this.#warn(error);
    });
  }

  /** Whether this process is comparing, is checking whether it must, or will again once the queue is empty. */
  isRunning(): boolean {
    return this.#isTakingTurn || this.#running !== null || this.#removal !== null;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#removal;
    await this.#running?.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { bootedAt, clock, everyMinutes } = this.#options;
    const { signal } = this.#stopping;
    const sinceBoot = clock.now() - bootedAt;
    // Measured, so that the boot is in the past however the clock is set.
    const bootedAtElapsed = clock.elapsed() - (isBetween(sinceBoot, 0, BOOT_MS) ? sinceBoot : 0);
    const everyMs = everyMinutes === 0 ? Infinity : everyMinutes * MINUTE_MS;
    while (!signal.aborted) {
      // A comparison that started one interval ago is due again.
      const age = Math.min(clock.elapsed() - bootedAtElapsed, everyMs - 1);
      const since = new Date(clock.now() - age);
      const turn = await this.#takeTurn(since);
      if (turn === 'done' && everyMinutes === 0) return;
      await clock.wait(turn === 'failed' ? RETRY_MS : Math.min(POLL_MS, everyMs), signal);
    }
    await this.#handBack();
  }

  async #takeTurn(since: Date): Promise<Turn> {
    this.#isTakingTurn = true;
    try {
      // The job's name may depend on the open space. Without a provider it compares anyway.
      await this.#openSpace();
      const { clock, leaseMs, owner } = this.#options;
      const lease = createLease(owner, new Date(clock.now() + leaseMs));
      const claim = await this.#claim(lease, since);
      return claim === 'claimed' ? await this.#compareUnder(lease) : claim;
    } catch (error) {
      this.#warn(error);
      return 'failed';
    } finally {
      this.#isTakingTurn = false;
    }
  }

  async #claim(lease: Lease, notStartedSince: Date): Promise<JobClaim['kind']> {
    const { clock, jobName, jobs, owner } = this.#options;
    return claimJob(jobs, { name: jobName(), lease, notStartedSince }, { owner, clock });
  }

  async #compareUnder(lease: Lease): Promise<Turn> {
    const { activeSpace, clock, jobs } = this.#options;
    const ended = new AbortController();
    const renewals = keepRenewing({
      ...this.#options,
      leases: jobs,
      lease,
      ended: ended.signal,
    });
    let isDone = false;
    try {
      await this.runNow();
      isDone = activeSpace.state().kind === 'open' && !this.#stopping.signal.aborted;
    } finally {
      ended.abort();
      await renewals;
      if (isDone) await jobs.finish(lease.token);
      else {
        this.#postponed = { token: lease.token, expiresAt: new Date(clock.now() + RETRY_MS) };
        await jobs.renew(this.#postponed);
      }
    }
    return isDone ? 'done' : 'failed';
  }

  /** Leaves an unfinished comparison to other processes. */
  async #handBack(): Promise<void> {
    if (!this.#postponed) return;
    const { clock, jobs } = this.#options;
    try {
      await jobs.renew({ token: this.#postponed.token, expiresAt: new Date(clock.now()) });
    } catch (error) {
      this.#warn(error);
    }
  }

  #warn(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const { message } = toImageSearchError(error);
    this.#options.logger.warn(
      `Couldn't sync the index with the library; retrying later. ${message}`,
    );
  }

  async #openSpace(): Promise<OpenSpace | null> {
    return await this.#options.activeSpace.get(this.#stopping.signal).catch(() => null);
  }

  async #reconcile(): Promise<ReconcileReport> {
    const { onMarked } = this.#options;
    // Without a provider, the queue is filled anyway, so that nothing is lost and the status is correct.
    const { signal } = this.#stopping;
    const space = await this.#openSpace();
    if (signal.aborted) return { images: 0, marked: 0, retried: 0, orphans: 0 };
    const report = await reconcile({ ...this.#options, space, signal });
    if (report.marked > 0) onMarked();
    if (report.orphans > 0) {
      this.#removal ??= this.#removeOrphans().finally(() => {
        this.#removal = null;
      });
    }
    return report;
  }

  /** Compares again once the queue is empty. After a failure, the next scheduled comparison finds them. */
  async #removeOrphans(): Promise<void> {
    const { clock, entries } = this.#options;
    const { signal } = this.#stopping;
    try {
      let left = 1;
      while (left > 0 && !signal.aborted) {
        await clock.wait(QUEUE_POLL_MS, signal);
        if (await isQueueEmpty(entries)) left = (await this.runAfresh()).orphans;
      }
    } catch (error) {
      this.#warn(error);
    }
  }
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

export interface ReconcileOptions {
  assets: AssetSource;
  entries: IndexEntries;
  traces: Pick<ImageTraces, 'get' | 'listIds'>;
  duplicates: Pick<DuplicateWatch, 'forget'>;
  hasReaderFor?: HasReader | undefined;
  /** Null while the provider or the store is down; then vectors are not compared. */
  space: OpenSpace | null;
  logger: Logger;
  signal: AbortSignal;
}

/** What the library, queue, vector store and traces know of one file id. */
interface Sighting {
  fileId: number;
  asset: AssetDescription | null;
  entry: IndexEntry | null;
  /** Content hash of the stored vector, null without one; undefined while the store is down. */
  vectorHash: string | null | undefined;
  hasTrace: boolean;
}

/** Why a file must be indexed or removed, as the log has it. */
type Reason =
  | 'deleted'
  | 'new'
  | 'changed'
  | 'to retry'
  | 'with the vector of other bytes'
  | 'without a vector'
  | 'not read';

/**
 * Finds what hooks miss (imports, restored databases, raw SQL, crashes, lost or foreign vectors): walks the library,
 * queue, vector store and traces side by side in id order and marks where they disagree. The worker does the rest, and
 * looks at each file again first, so a stale sighting does no harm.
 *
 * What is left of deleted files is removed last, when all others are indexed: an import gives every file a new id, and
 * the vectors under the former ids spare embedding them again.
 */
export async function reconcile(options: ReconcileOptions): Promise<ReconcileReport> {
  const { duplicates, entries, logger, signal } = options;
  const report: ReconcileReport = { images: 0, marked: 0, retried: 0, orphans: 0 };
  const reasons = new Map<Reason, number>();
  const orphans: number[] = [];
  let suspects: number[] = [];
  let reused = 0;
  let waiting = 0;

  async function mark(fileIds: readonly number[]): Promise<void> {
    const sightings = await confirm(fileIds, options);
    if (signal.aborted) return;
    const refilled = await reuseVectors(sightings, options);
    reused += refilled.size;
    const confirmed = sightings.filter(({ fileId }) => !refilled.has(fileId));
    const changed = confirmed.filter(({ reason }) => reason === 'changed');
    // Pairs on the former bytes, or on the file that had this id in another database.
    if (changed.length > 0) await duplicates.forget(changed.map(({ fileId }) => fileId));
    await entries.markPending(confirmed.map(({ fileId }) => fileId));
    for (const { reason } of confirmed) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    report.marked += confirmed.length;
    report.retried = reasons.get('to retry') ?? 0;
  }

  for await (const sighting of sightings(options)) {
    if (signal.aborted) break;
    if (sighting.asset) report.images += 1;
    if (isWaiting(sighting.entry)) waiting += 1;
    const reason = reasonToIndex(sighting, options.hasReaderFor);
    if (reason === 'deleted') orphans.push(sighting.fileId);
    else if (reason !== null) suspects.push(sighting.fileId);
    if (suspects.length < PAGE_SIZE) continue;
    await mark(suspects);
    suspects = [];
  }
  if (suspects.length > 0 && !signal.aborted) await mark(suspects);
  if (orphans.length > 0 && !signal.aborted) {
    // What is retried may fail forever, and needs none of their vectors.
    const isFilled = waiting === 0 && report.marked === report.retried;
    if (!isFilled) report.orphans = orphans.length;
    else for (const ids of chunksOf(orphans, PAGE_SIZE)) await mark(ids);
  }
  logReport(report, { reasons, reused }, logger);
  return report;
}

/**
 * Stores the vectors of unchanged files that the store has under the same bytes, such as those of the database that
 * this one is a copy of. Nothing is read, decoded or embedded for them. Returns the files.
 */
async function reuseVectors(
  confirmed: readonly Confirmed[],
  { signal, space }: Pick<ReconcileOptions, 'signal' | 'space'>,
): Promise<Set<number>> {
  const points: VectorPoint[] = [];
  for (const { asset, entry, hasTrace, reason } of confirmed) {
    const isVectorLost =
      reason === 'without a vector' || reason === 'with the vector of other bytes';
    const contentHash = entry?.contentHash ?? null;
    if (!isVectorLost || !space || !asset || !hasTrace || contentHash === null) continue;
    if (signal.aborted) break;
    const vectors = await space.collection.findByContentHash(contentHash);
    if (vectors === null) continue;
    const { createdAt, extension, fileId, mimeType } = asset;
    points.push({ fileId, ...vectors, payload: { mimeType, extension, createdAt, contentHash } });
  }
  if (points.length > 0) await space?.collection.upsert(points);
  return new Set(points.map(({ fileId }) => fileId));
}

function logReport(
  { images, marked, orphans }: ReconcileReport,
  { reasons, reused }: { reasons: ReadonlyMap<Reason, number>; reused: number },
  logger: Logger,
): void {
  if (reused > 0) {
    logger.info(
      `Vectors that the store has for the same bytes: reused for ${String(reused)} image(s).`,
    );
  }
  if (marked > 0) {
    const parts = [...reasons].map(([reason, count]) => `${String(count)} ${reason}`);
    logger.info(
      `Compared ${String(images)} images with the index: ${String(marked)} to update (${parts.join(', ')}).`,
    );
  }
  if (orphans > 0) {
    logger.info(
      `${String(orphans)} files are gone; what is left of them is removed once all others are indexed.`,
    );
  }
}

async function isQueueEmpty(entries: Pick<IndexEntries, 'list'>): Promise<boolean> {
  const page = await entries.list({ states: ['pending', 'indexing'], cursor: null, limit: 1 });
  return page.entries.length === 0;
}

/** Null when a file needs nothing, or is waiting already. */
export function reasonToIndex(
  sighting: Sighting,
  hasReaderFor: HasReader = () => false,
): Reason | null {
  const { asset, entry, vectorHash, hasTrace } = sighting;
  if (!entry) {
    if (asset) return 'new';
    return typeof vectorHash === 'string' || hasTrace ? 'deleted' : null;
  }
  if (isWaiting(entry)) return null;
  if (!asset) return 'deleted';
  const { contentHash, sourceSignature, state } = entry;
  if (sourceSignature !== null && sourceSignature !== asset.signature) return 'changed';
  if (state === 'failed') return isStorageFailure(entry) ? 'to retry' : null;
  if (state === 'skipped') {
    const lacksReader = entry.errorCode === 'image-decoder-missing';
    return lacksReader && hasReaderFor(asset.mimeType) ? 'to retry' : null;
  }
  if (state !== 'indexed') return null;
  if (vectorHash === null) return 'without a vector';
  if (vectorHash !== undefined && contentHash !== null && vectorHash !== contentHash) {
    return 'with the vector of other bytes';
  }
  return hasTrace ? null : 'not read';
}

function isWaiting(entry: IndexEntry | null): boolean {
  return entry?.state === 'pending' || entry?.state === 'indexing';
}

/** Storage that was down for a long time may be back, and its host may be allowed now. */
function isStorageFailure({ errorCode }: IndexEntry): boolean {
  return errorCode !== null && errorTraits[errorCode].part === 'storage';
}

type Confirmed = Sighting & { reason: Reason };

type Compared = Pick<ReconcileOptions, 'assets' | 'entries' | 'hasReaderFor' | 'space' | 'traces'>;

/**
 * The walk reads each side at a slightly different moment. Only files that still disagree when all sides are read again
 * are marked, so that a file being uploaded right now is not embedded twice.
 */
async function confirm(
  fileIds: readonly number[],
  { assets, entries, hasReaderFor, space, traces }: Compared,
): Promise<Confirmed[]> {
  const hashes = space && (await space.collection.contentHashesOf(fileIds));
  const fresh = new Map((await entries.get(fileIds)).map((entry) => [entry.fileId, entry]));
  const described = await assets.describeMany(fileIds);
  const traced = new Set((await traces.get(fileIds)).map((trace) => trace.fileId));
  const present = new Map(described.map((asset) => [asset.fileId, asset]));
  return fileIds.flatMap((fileId) => {
    const sighting: Sighting = {
      fileId,
      asset: present.get(fileId) ?? null,
      entry: fresh.get(fileId) ?? null,
      vectorHash: hashes ? (hashes.get(fileId) ?? null) : undefined,
      hasTrace: traced.has(fileId),
    };
    const reason = reasonToIndex(sighting, hasReaderFor);
    return reason === null ? [] : [{ ...sighting, reason }];
  });
}

async function* sightings({ assets, entries, space, traces }: Compared): AsyncGenerator<Sighting> {
  const library = pageWalker(async (cursor) => {
    const page = await assets.iterate(cursor, PAGE_SIZE);
    return { items: page.assets, nextCursor: page.nextCursor };
  });
  const queue = pageWalker(async (cursor) => {
    const page = await entries.list({ cursor, limit: PAGE_SIZE });
    return { items: page.entries, nextCursor: page.nextCursor };
  });
  const vectors = pageWalker(async (cursor) => {
    if (!space) return { items: [], nextCursor: null };
    const { ids, nextCursor } = await space.collection.listIds(cursor, PAGE_SIZE);
    const hashes = await space.collection.contentHashesOf(ids);
    return { items: [...hashes].sort(([left], [right]) => left - right), nextCursor };
  });
  const tracedIds = pageWalker(async (cursor) => {
    const { ids, nextCursor } = await traces.listIds(cursor, PAGE_SIZE);
    return { items: ids, nextCursor };
  });
  let asset = await library.next();
  let entry = await queue.next();
  let vector = await vectors.next();
  let tracedId = await tracedIds.next();
  for (;;) {
    const ids = [asset?.fileId, entry?.fileId, vector?.[0], tracedId];
    const fileId = Math.min(...ids.map((id) => id ?? Infinity));
    if (fileId === Infinity) return;
    const isAsset = asset?.fileId === fileId;
    const isEntry = entry?.fileId === fileId;
    const isVector = vector?.[0] === fileId;
    const hasTrace = tracedId === fileId;
    const storedHash = isVector ? (vector?.[1] ?? null) : null;
    yield {
      fileId,
      asset: isAsset ? asset : null,
      entry: isEntry ? entry : null,
      vectorHash: space ? storedHash : undefined,
      hasTrace,
    };
    if (isAsset) asset = await library.next();
    if (isEntry) entry = await queue.next();
    if (isVector) vector = await vectors.next();
    if (hasTrace) tracedId = await tracedIds.next();
  }
}

interface WalkedPage<Item> {
  items: Item[];
  nextCursor: number | null;
}

/** Items of a paged source one by one; null after the last. */
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
