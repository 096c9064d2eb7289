import type { Clock } from '../clock';
import { isSameIdentity, type EmbeddingIdentity } from '../embedding/contract';
import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { SpaceRecord, SpaceRecords, SpaceRole, SpaceTrack } from './contract';
import type { Readiness } from './readiness';
import { answeringOf } from './roles';
import type { SpaceTracks } from './space-tracks';

/** Longest time until a switch is noticed that another process made; searches notice it at once. */
const POLL_MS = 5_000;

export interface SuccessionOptions {
  records: SpaceRecords;
  /** The model that the configuration names. */
  configured: EmbeddingIdentity;
  tracks: SpaceTracks;
  readiness: Readiness;
  roleOf: (record: SpaceRecord, records: readonly SpaceRecord[]) => SpaceRole;
  /** Aborted when indexing ends for good. */
  signal: AbortSignal;
  logger: Logger;
  /** Warns of each thing once. */
  sayOnce: (message: string) => void;
  clock: Clock;
}

/**
 * Looks again and again which space answers, has this process work in that one and in those that are filled beside it,
 * and lets the new one take over when it is ready.
 */
export class Succession {
  readonly #options: SuccessionOptions;
  #isIndexing = false;
  #lastAnswering: string | null = null;
  #waking = new AbortController();
  #loop: Promise<void> | null = null;

  constructor(options: SuccessionOptions) {
    this.#options = options;
  }

  /** @param isIndexing whether this process works the queues off, and fills a new space */
  start({ isIndexing }: { isIndexing: boolean }): void {
    this.#isIndexing = isIndexing;
    this.#loop ??= this.#run();
  }

  /** What answered when this process last looked; null before it did, or when nothing could answer. */
  get lastAnswering(): string | null {
    return this.#lastAnswering;
  }

  lookNow(): void {
    this.#waking.abort();
  }

  /** Makes a space answer if `from` answers at that moment; otherwise answers false. */
  async switchTo(spaceId: string, from: SpaceRecord | null): Promise<boolean> {
    const { logger, records } = this.#options;
    const isSwitched = await records.activate(spaceId, from?.space.id ?? null);
    if (isSwitched) {
      logger.info(
        `Searches are answered in the space ${spaceId} from now on.${from ? ` ${from.space.id} is kept until it is dropped.` : ''}`,
      );
    }
    this.lookNow();
    return isSwitched;
  }

  /** Resolves when the signal is aborted and what was under way is over. */
  async ended(): Promise<void> {
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, sayOnce, signal } = this.#options;
    while (!signal.aborted) {
      // A fresh signal before looking: a wake-up that comes meanwhile is not lost.
      this.#waking = new AbortController();
      try {
        await this.#step();
      } catch (error) {
        sayOnce(`The spaces could not be looked at: ${toImageSearchError(error).message}`);
      }
      await clock.wait(POLL_MS, AbortSignal.any([this.#waking.signal, signal]));
    }
  }

  async #step(): Promise<void> {
    const { readiness, records, signal, tracks } = this.#options;
    const target = tracks.target();
    const answering = answeringOf(await records.list());
    const former = tracks.of(answering);
    const wanted = new Set([former]);
    if (former !== target && (await this.#isFilling(target))) wanted.add(target);
    const fallback = this.#openFallback();
    if (fallback) wanted.add(fallback);
    if (signal.aborted) return;
    tracks.keepOnly(wanted);
    const isSwitched =
      this.#lastAnswering !== null &&
      answering !== null &&
      this.#lastAnswering !== answering.space.id;
    this.#lastAnswering = answering?.space.id ?? null;
    if (!this.#isIndexing) return;
    for (const track of wanted) {
      const isBegun = tracks.begin(track);
      // A space that was kept has not heard of what changed, however short ago it was compared with the library.
      if (isBegun && isSwitched && track === former) void track.reconcileAgain();
    }
    if (answering && former !== target && wanted.has(target)) {
      const spaceId = await readiness.findReady(target, answering);
      if (spaceId !== null) await this.switchTo(spaceId, answering);
    }
  }

  /** Whether the configured space is a new one, which this process has to fill. */
  async #isFilling(target: SpaceTrack): Promise<boolean> {
    const { configured, records, roleOf, sayOnce, signal } = this.#options;
    const before = await records.list();
    const kept = before.find(
      (record) => isSameIdentity(record.identity, configured) && roleOf(record, before) === 'kept',
    );
    if (kept && target.spaceId() === null) {
      // Opening it would take memory for nothing.
      sayOnce(
        `The configuration names the space ${kept.space.id}, which answered before; searches are answered in another since. Switch by hand if that is not wanted.`,
      );
      return false;
    }
    try {
      await target.activeSpace.get(signal);
    } catch (error) {
      if (!signal.aborted) {
        sayOnce(
          `The new model cannot be opened; the former one goes on answering. ${toImageSearchError(error).message}`,
        );
      }
      return false;
    }
    const known = await records.list();
    const record = known.find(({ space }) => space.id === target.spaceId());
    return record?.activation === null;
  }

  /**
   * The track to fall back on once it is open; its space and its queue are not known before. Nobody waits for that: it
   * may take as long as a download.
   */
  #openFallback(): SpaceTrack | null {
    const { sayOnce, signal, tracks } = this.#options;
    const fallback = tracks.fallback();
    if (fallback === null) return null;
    if (fallback.activeSpace.state().kind === 'open') return fallback;
    fallback.activeSpace.get(signal).then(
      () => {
        this.lookNow();
      },
      (error: unknown) => {
        if (signal.aborted) return;
        sayOnce(
          `The model of embedding.fallback cannot be opened; while the hosted one is down, searches fail. ${toImageSearchError(error).message}`,
        );
      },
    );
    return null;
  }
}
