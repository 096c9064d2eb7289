import type { OpenSpace } from '../active-space';
import type { Clock } from '../clock';
import type { EmbeddingIdentity } from '../embedding/contract';
import { isSameIdentity } from '../embedding/vector-space';
import { toImageSearchError, type SpaceProblem } from '../errors';
import type { IndexEntries } from '../indexing/contract';
import type { Logger } from '../logger';
import type { SpaceRecord, SpaceRecords, SpaceRole, SpaceTrack } from './contract';
import { activeOf } from './roles';
import type { SpaceTracks } from './space-tracks';

/** The longest time until this process notices a switch by another process; searches notice it at once. */
const POLL_MS = 5_000;
/** When to check a complete space with a problem again, unless its counts change before. */
const RECHECK_MS = 10 * 60_000;
const PAGE_SIZE = 500;
/** Images across the library whose vectors are checked. */
const SAMPLE_SIZE = 50;
/** The least score of an image's own vector, or that of a copy; stores may round. */
const MIN_OWN_SCORE = 0.999;
/** Failures up to this number, or this share of the library, don't prevent a takeover. */
const TOLERATED_FAILURES = 10;
const TOLERATED_SHARE = 0.01;

export interface SuccessionOptions {
  records: SpaceRecords;
  /** The configured model. */
  configured: EmbeddingIdentity;
  tracks: SpaceTracks;
  readiness: Readiness;
  roleOf: (record: SpaceRecord, records: readonly SpaceRecord[]) => SpaceRole;
  /** Aborted at shutdown. */
  signal: AbortSignal;
  logger: Logger;
  /** Logs each warning once. */
  warnOnce: (message: string) => void;
  clock: Clock;
}

/**
 * Polls which space is active, runs the tracks of that space and of those that are filled beside it, and
 * switches to the new space when it is ready.
 */
export class Succession {
  readonly #options: SuccessionOptions;
  #isIndexing = false;
  /** The space that answered at the last poll; null before the first, or when there was none. */
  #lastActive: string | null = null;
  #waking = new AbortController();
  #loop: Promise<void> | null = null;

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  /** @param isIndexing whether this process indexes and fills a new space */
  start({ isIndexing }: { isIndexing: boolean }): void {
    this.#isIndexing = isIndexing;
    this.#loop ??= this.#run();
  }

  pollNow(): void {
    this.#waking.abort();
  }

  /** Switches searches to a space if `from` still answers; otherwise returns false. */
  async switchTo(spaceId: string, from: SpaceRecord | null): Promise<boolean> {
    const { logger, records } = this.#options;
    const isSwitched = await records.activate(spaceId, from?.space.id ?? null);
    if (isSwitched) {
      logger.info(
        `Searches now use the space ${spaceId}.${from ? ` ${from.space.id} is kept until you delete it.` : ''}`,
      );
    }
    this.pollNow();
    return isSwitched;
  }

  /** Resolves when the signal is aborted and the last step has ended. */
  async ended(): Promise<void> {
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, warnOnce, signal } = this.#options;
    while (!signal.aborted) {
      // Renewed before the step, so that a wake-up in the meantime is not lost.
      this.#waking = new AbortController();
      try {
        await this.#step();
      } catch (error) {
        warnOnce(`Couldn't check the vector spaces: ${toImageSearchError(error).message}`);
      }
      await clock.wait(POLL_MS, AbortSignal.any([this.#waking.signal, signal]));
    }
  }

  async #step(): Promise<void> {
    const { readiness, records, signal, tracks } = this.#options;
    const target = tracks.target();
    const active = activeOf(await records.list());
    const former = tracks.of(active);
    const wanted = new Set([former]);
    if (former !== target && (await this.#isFilling(target))) wanted.add(target);
    const fallback = this.#openFallback();
    if (fallback) wanted.add(fallback);
    if (signal.aborted) return;
    tracks.keepOnly(wanted);
    const isSwitched =
      this.#lastActive !== null && active !== null && this.#lastActive !== active.space.id;
    this.#lastActive = active?.space.id ?? null;
    if (!this.#isIndexing) return;
    for (const track of wanted) {
      const isStarted = tracks.start(track);
      // A standby space missed every change, however recently it was compared with the library.
      if (isStarted && isSwitched && track === former) void track.reconcileAgain();
    }
    if (active && former !== target && wanted.has(target)) {
      const spaceId = await readiness.findReady(target, active);
      if (spaceId !== null) await this.switchTo(spaceId, active);
    }
  }

  /** Whether the configured model has a new space, which this process must fill. */
  async #isFilling(target: SpaceTrack): Promise<boolean> {
    const { configured, records, roleOf, warnOnce, signal } = this.#options;
    const before = await records.list();
    const kept = before.find(
      (record) =>
        isSameIdentity(record.identity, configured) && roleOf(record, before) === 'standby',
    );
    if (kept && target.spaceId() === null) {
      // Opening it would waste memory.
      warnOnce(
        `The configured model has the space ${kept.space.id}, which is on standby because searches were switched to another. Switch back in the panel if you want to use it.`,
      );
      return false;
    }
    try {
      await target.activeSpace.get(signal);
    } catch (error) {
      if (!signal.aborted) {
        warnOnce(
          `The new model can't be opened; searches still use the former one. ${toImageSearchError(error).message}`,
        );
      }
      return false;
    }
    const known = await records.list();
    const record = known.find(({ space }) => space.id === target.spaceId());
    return record?.activation === null;
  }

  /**
   * The fallback track once it is open; its space and queue are unknown before. Doesn't wait for the opening, which may
   * take as long as a download.
   */
  #openFallback(): SpaceTrack | null {
    const { warnOnce, signal, tracks } = this.#options;
    const fallback = tracks.fallback();
    if (fallback === null) return null;
    if (fallback.activeSpace.state().kind === 'open') return fallback;
    fallback.activeSpace.get(signal).then(
      () => {
        this.pollNow();
      },
      (error: unknown) => {
        if (signal.aborted) return;
        warnOnce(
          `The model of embedding.fallback can't be opened, so searches fail while the hosted one is down. ${toImageSearchError(error).message}`,
        );
      },
    );
    return null;
  }
}

/** The problem of a space, and its counts at that time. */
interface CheckResult {
  problem: SpaceProblem;
  failed: number;
  indexed: number;
  recheckAt: number;
}

interface ReadinessOptions {
  entriesOf: (spaceId: string) => IndexEntries;
  clock: Clock;
  signal: AbortSignal;
  onProblem: (message: string) => void;
}

/** Decides whether a new space holds every image and may take over. */
export class Readiness {
  readonly #options: ReadinessOptions;
  readonly #results = new Map<string, CheckResult>();

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  problemOf(spaceId: string): SpaceProblem | null {
    return this.#results.get(spaceId)?.problem ?? null;
  }

  /** Has every space checked again, because the operator may have fixed its problem. */
  forgetProblems(): void {
    this.#results.clear();
  }

  /** Returns the id of the new space when it is ready to take over; null while it is not. */
  async findReady(building: SpaceTrack, active: SpaceRecord): Promise<string | null> {
    const { clock, entriesOf, onProblem, signal } = this.#options;
    const space = await building.activeSpace.get(signal);
    const spaceId = space.provider.space.id;
    const { failed, indexed, indexing, pending } = await building.entries.counts();
    if (indexing + pending > 0) return null;
    const known = this.#results.get(spaceId);
    // Other counts mean that the problem may be fixed.
    const isSame = known?.failed === failed && known.indexed === indexed;
    if (known && isSame && clock.elapsed() < known.recheckAt) return null;
    // Every comparison retries failed images; they must not delay the switch forever.
    const { marked, retried } = await building.reconcile();
    if (marked > retried) return null;
    const before = await entriesOf(active.space.id).counts();
    const problem = await findSpaceProblem({
      space,
      entries: building.entries,
      failed,
      failedBefore: before.failed,
      signal,
    });
    if (signal.aborted) return null;
    if (problem === null) {
      this.#results.delete(spaceId);
      return spaceId;
    }
    onProblem(`The new space ${spaceId} is complete but can't take over yet. ${problem.message}`);
    this.#results.set(spaceId, {
      problem,
      failed,
      indexed,
      recheckAt: clock.elapsed() + RECHECK_MS,
    });
    return null;
  }
}

interface SelfCheckOptions {
  space: OpenSpace;
  entries: IndexEntries;
  /** Failed images of the new space. */
  failed: number;
  /** Failed images of the active space. */
  failedBefore: number;
  signal: AbortSignal;
}

/**
 * Checks that a space can replace the former one: texts can be embedded, every indexed image has its vector, images find
 * themselves, and few images failed that the former model could embed. Never rejects.
 *
 * @returns null if there is no problem
 */
async function findSpaceProblem(options: SelfCheckOptions): Promise<SpaceProblem | null> {
  try {
    return (
      (await findFailures(options)) ?? (await findLostVectors(options)) ?? (await probe(options))
    );
  } catch (error) {
    const { code, message } = toImageSearchError(error);
    return { code, message: `Its self-check failed: ${message}` };
  }
}

async function findFailures(options: SelfCheckOptions): Promise<SpaceProblem | null> {
  const { entries, failed, failedBefore } = options;
  const indexed = await entries.countIndexed();
  const tolerated = Math.max(TOLERATED_FAILURES, (indexed + failed) * TOLERATED_SHARE);
  if (failed <= Math.max(tolerated, failedBefore)) return null;
  return {
    code: 'images-failed',
    message: `${String(failed)} images failed in it, ${String(failedBefore)} in the active one. Fix the causes and retry the failed images, or switch in the panel.`,
  };
}

async function findLostVectors({ entries, space }: SelfCheckOptions): Promise<SpaceProblem | null> {
  const [indexed, stored] = [await entries.countIndexed(), await space.collection.count()];
  if (stored >= indexed) return null;
  return {
    code: 'vectors-missing',
    message: `The vector store holds ${String(stored)} of ${String(indexed)} vectors.`,
  };
}

async function probe(options: SelfCheckOptions): Promise<SpaceProblem | null> {
  const { provider, collection } = options.space;
  await provider.embedTexts(['a photograph'], { signal: options.signal });
  const sample = await sampleOf(options);
  const points = new Map((await collection.getMany(sample)).map((point) => [point.fileId, point]));
  for (const fileId of sample) {
    const point = points.get(fileId);
    if (!point) {
      return {
        code: 'vectors-missing',
        message: `The vector of file ${String(fileId)} is missing.`,
      };
    }
    const [best] = await collection.search({ vector: point.vector, limit: 1 });
    if (!best || best.score < MIN_OWN_SCORE) {
      return {
        code: 'vectors-not-found',
        message: `Searching with the vector of file ${String(fileId)} doesn't find that file.`,
      };
    }
  }
  return null;
}

async function sampleOf({ entries, signal }: SelfCheckOptions): Promise<number[]> {
  const step = Math.max(1, Math.floor((await entries.countIndexed()) / SAMPLE_SIZE));
  const sample: number[] = [];
  let position = 0;
  let cursor: number | null = null;
  do {
    const page = await entries.list({ states: ['indexed'], cursor, limit: PAGE_SIZE });
    for (const { fileId } of page.entries) {
      if (position % step === 0) sample.push(fileId);
      position += 1;
    }
    cursor = page.nextCursor;
  } while (cursor !== null && !signal.aborted);
  return sample;
}
