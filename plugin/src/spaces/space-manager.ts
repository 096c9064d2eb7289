import type { ActiveSpace, OpenSpace } from '../active-space';
import type { Clock } from '../clock';
import type { EmbeddingIdentity, VectorSpace } from '../embedding/contract';
import { isSameIdentity } from '../embedding/vector-space';
import { ImageSearchError, type SpaceProblem } from '../errors';
import type { IndexEntries, IndexPriority } from '../indexing/contract';
import type { Logger } from '../logger';
import type { SpaceRecord, SpaceRecords, SpaceRole, SpaceTrack } from './contract';
import { activeOf, findRecord, liveOf, roleOf, spaceOf, type NamedModel } from './roles';
import { otherVectorsError, SpaceTracks, type TrackOptions } from './space-tracks';
import { Readiness, Succession } from './succession';

/** Id of the queue for files while no space is known. */
const UNASSIGNED = '';

/** A space that is kept up to date. */
export interface LiveSpace {
  record: SpaceRecord;
  role: Exclude<SpaceRole, 'standby'>;
  track: SpaceTrack;
}

export interface SpaceManagerOptions {
  records: SpaceRecords;
  /** The configured model. */
  configured: EmbeddingIdentity;
  /** The configured fallback model; null without one. */
  fallback: EmbeddingIdentity | null;
  createTrack: (options: TrackOptions) => SpaceTrack;
  entriesOf: (spaceId: string) => IndexEntries;
  /** Moves the queue entries of one space id to another. */
  assign: (from: string, to: string) => Promise<void>;
  logger: Logger;
  clock: Clock;
}

/**
 * Decides which space is active (answers searches), fills new ones, and switches between them.
 *
 * The first model that opens answers at once. When another model is configured, the former one still answers and stays
 * up to date while the new one fills. When the new space holds every image and passes its self-check, it takes over for
 * all processes in one step, and the former is on standby until it is deleted. A space that answered before never takes
 * over by itself: going back is the operator's decision.
 *
 * The fallback space is kept up to date beside them and never takes over by itself.
 *
 * The process may be killed at any time: decisions are in the space records, progress is in the queues.
 */
export class SpaceManager {
  readonly #options: SpaceManagerOptions;
  readonly #tracks: SpaceTracks;
  readonly #stopping = new AbortController();
  readonly #readiness: Readiness;
  readonly #succession: Succession;

  constructor(options: SpaceManagerOptions) {
    this.#options = options;
    const { clock, configured, createTrack, entriesOf, fallback, logger, records } = options;
    const { signal } = this.#stopping;
    this.#tracks = new SpaceTracks({
      configured,
      fallback,
      createTrack,
      signal,
      logger,
      clock,
      onTargetOpened: (space) => this.#announce(space),
      onFallbackOpened: async (space) => {
        if (fallback) await records.register(space, fallback);
      },
    });
    const warnOnce = createOnceWarner(logger);
    this.#readiness = new Readiness({ entriesOf, clock, signal, onProblem: warnOnce });
    this.#succession = new Succession({
      records,
      configured,
      signal,
      logger,
      clock,
      warnOnce,
      tracks: this.#tracks,
      readiness: this.#readiness,
      roleOf: (record, all) => this.roleOf(record, all),
    });
  }

  /**
   * Starts following which space answers, and opening the next one before it does. Searches work without it, too.
   *
   * @param options.isIndexing whether this process indexes and fills a new space
   */
  start(options: { isIndexing: boolean }): void {
    this.#succession.start(options);
  }

  /** The active space, opened on first use. Rejects if it can't be opened. */
  async get(signal?: AbortSignal): Promise<OpenSpace> {
    return (await this.activeSpace()).get(signal);
  }

  /** The active space, open or not. */
  async activeSpace(): Promise<ActiveSpace> {
    return (await this.active()).activeSpace;
  }

  /** Whether a fallback model is configured. */
  get hasFallback(): boolean {
    return this.#options.fallback !== null;
  }

  /** The fallback space, opened on first use; null without one, or when it is the active space. */
  async getFallback(signal?: AbortSignal): Promise<OpenSpace | null> {
    const fallback = this.#tracks.fallback();
    if (fallback === null || (await this.active()) === fallback) return null;
    return fallback.activeSpace.get(signal);
  }

  /** The track of the active space, at any moment the same space in all processes. */
  async active(): Promise<SpaceTrack> {
    return this.#tracks.of(activeOf(await this.#options.records.list()));
  }

  /** Queues changed files in every live space. */
  async markPending(fileIds: readonly number[], priority: IndexPriority): Promise<void> {
    for (const spaceId of await this.liveSpaceIds()) {
      await this.#options.entriesOf(spaceId).markPending(fileIds, priority);
    }
  }

  /** @throws ImageSearchError `invalid-input` for an unknown space */
  async find(spaceId: string): Promise<SpaceRecord> {
    return findRecord(await this.#options.records.list(), spaceId);
  }

  /**
   * A space with its model, active or not, opened on first use.
   *
   * @throws ImageSearchError `invalid-input` for an unknown space
   */
  async openable(spaceId: string): Promise<ActiveSpace> {
    return this.#tracks.of(await this.find(spaceId)).activeSpace;
  }

  roleOf(record: SpaceRecord, records: readonly SpaceRecord[]): SpaceRole {
    return roleOf(record, records, this.#fallbackModel());
  }

  /** Whether it is the space of the configured model. */
  isConfigured(record: SpaceRecord, records: readonly SpaceRecord[]): boolean {
    const { configured: identity } = this.#options;
    return spaceOf({ identity, spaceId: this.#tracks.target().spaceId() }, records) === record;
  }

  /** The track of the configured model. */
  configured(): SpaceTrack {
    return this.#tracks.target();
  }

  /** Spaces that are kept up to date; excludes an unfinished one that is no longer configured. */
  async live(): Promise<LiveSpace[]> {
    const records = await this.#options.records.list();
    return records.flatMap((record) => {
      const role = this.roleOf(record, records);
      if (role === 'standby' || this.#isAbandoned(record, role)) return [];
      return [{ record, role, track: this.#tracks.of(record) }];
    });
  }

  /** Tracks that index in this process. */
  running(): SpaceTrack[] {
    return this.#tracks.running();
  }

  wake(): void {
    for (const track of this.running()) track.wake();
  }

  /** The store is back after an outage. */
  resumeStore(): void {
    for (const track of this.#tracks.all()) track.resumeStore();
    this.#succession.pollNow();
  }

  retryNow(): void {
    this.#readiness.forgetProblems();
    for (const track of this.#tracks.all()) track.retryNow();
    this.#succession.pollNow();
  }

  /** Why a space can't fill or take over, as far as this process knows; null if nothing is wrong. */
  problemOf(record: SpaceRecord, role: SpaceRole): SpaceProblem | null {
    if (this.#isAbandoned(record, role)) {
      return {
        code: 'not-configured',
        message: 'Another model is configured. Configure this one again, or delete its space.',
      };
    }
    const { id } = record.space;
    const track = this.#tracks.find(id);
    const failure = track && failureOf(track);
    return (
      this.#readiness.problemOf(id) ??
      (failure ? { code: failure.code, message: failure.message } : null)
    );
  }

  /** A configured model that can't be opened while another one answers. */
  async failedModel(): Promise<{ model: string; message: string } | null> {
    if (activeOf(await this.#options.records.list()) === null) return null;
    for (const track of [this.#tracks.target(), this.#tracks.fallback()]) {
      const failure = track?.spaceId() === null ? failureOf(track) : null;
      if (track && failure) {
        return { model: String(track.identity['model']), message: failure.message };
      }
    }
    return null;
  }

  /**
   * Switches searches to a space at once, complete or not.
   *
   * @throws ImageSearchError `invalid-input` for an unknown space, `conflict` when another switch came first
   */
  async activate(spaceId: string): Promise<void> {
    const records = await this.#options.records.list();
    const record = findRecord(records, spaceId);
    const active = activeOf(records);
    if (active?.space.id === spaceId) return;
    // Rejects before the switch if this process can't open it.
    const { provider } = await this.#tracks.of(record).activeSpace.get(this.#stopping.signal);
    if (provider.space.id !== spaceId) throw otherVectorsError(provider.space);
    if (!(await this.#succession.switchTo(spaceId, active))) throw lateSwitchError();
  }

  /**
   * Stops using a space and removes its record. Required before the store's `dropSpace`.
   *
   * @throws ImageSearchError `invalid-input` for an unknown space, `conflict` for one in use
   */
  async forget(spaceId: string): Promise<void> {
    const records = await this.#options.records.list();
    const record = findRecord(records, spaceId);
    const role = this.roleOf(record, records);
    if (role !== 'active' && this.isConfigured(record, records)) {
      throw inUseError(record, 'configured');
    }
    if (role === 'fallback') throw inUseError(record, 'fallback');
    await this.#tracks.drop(spaceId);
    if (!(await this.#options.records.forget(spaceId))) throw inUseError(record, 'active');
  }

  async stopIndexing(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#tracks.stopIndexing(graceMs);
    await this.#succession.ended();
    await this.#tracks.untilRetired();
  }

  async dispose(): Promise<void> {
    this.#stopping.abort();
    await this.#tracks.dispose();
  }

  /** Ids of the queues that must learn of every file change; includes the empty id until a space answers. */
  async liveSpaceIds(): Promise<string[]> {
    const records = await this.#options.records.list();
    const live = liveOf(records, this.#fallbackModel()).map(({ space }) => space.id);
    return activeOf(records) ? live : [UNASSIGNED, ...live];
  }

  #fallbackModel(): NamedModel | null {
    const track = this.#tracks.fallback();
    return track && { identity: track.identity, spaceId: track.spaceId() };
  }

  /** Whether it is no longer filled, though it has never answered. */
  #isAbandoned({ identity }: SpaceRecord, role: SpaceRole): boolean {
    return role === 'building' && !isSameIdentity(identity, this.#options.configured);
  }

  /** Registers the space of the configured model once that is open, and activates it if no other can answer. */
  async #announce(space: VectorSpace): Promise<void> {
    const { assign, configured, logger, records } = this.#options;
    await records.register(space, configured);
    const active = activeOf(await records.list());
    if (active === null) {
      await records.activate(space.id, null);
    } else if (active.space.id !== space.id && isSameIdentity(active.identity, configured)) {
      logger.warn(
        `The model "${space.model}" no longer matches its stored vectors: its files or its preprocessing have changed. Searches find fewer images until all are embedded again.`,
      );
      await records.activate(space.id, active.space.id);
    }
    await assign(UNASSIGNED, space.id);
  }
}

function createOnceWarner(logger: Logger): (message: string) => void {
  const said = new Set<string>();
  return (message) => {
    if (said.has(message)) return;
    said.add(message);
    logger.warn(message);
  };
}

/** Why a track isn't working; null if it is. */
function failureOf(track: SpaceTrack): ImageSearchError | null {
  const { pause } = track.workerStatus();
  if (pause) return pause.error;
  const state = track.activeSpace.state();
  return state.kind === 'failed' ? state.error : null;
}

/** Why a space can't be deleted. */
const IN_USE_MESSAGES = {
  active: (id: string) =>
    `The space ${id} can't be deleted: searches use it. Switch to another space first.`,
  configured: (id: string) =>
    `The space ${id} can't be deleted: its model is configured, so it would be filled again. Configure another model first.`,
  fallback: (id: string) =>
    `The space ${id} can't be deleted: it is the space of embedding.fallback, so it would be filled again. Change or remove embedding.fallback first.`,
};

function inUseError(
  { space }: SpaceRecord,
  reason: keyof typeof IN_USE_MESSAGES,
): ImageSearchError {
  return new ImageSearchError({
    code: 'conflict',
    message: IN_USE_MESSAGES[reason](space.id),
    retryable: false,
  });
}

function lateSwitchError(): ImageSearchError {
  return new ImageSearchError({
    code: 'conflict',
    message: 'Another switch came first. Check the status and try again.',
    retryable: true,
  });
}
