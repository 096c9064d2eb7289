import type { OpenSpace } from '../active-space';
import type { Clock } from '../clock';
import { isSameIdentity, type EmbeddingIdentity, type VectorSpace } from '../embedding/contract';
import type { ImageSearchError } from '../errors';
import type { IndexEntries } from '../indexing/contract';
import type { Logger } from '../logger';
import type { SpaceRecord, SpaceRecords, SpaceRole, SpaceTrack } from './contract';
import { Readiness } from './readiness';
import { answeringOf, liveOf, roleOf, spaceOf, type NamedModel } from './roles';
import { findIn, inUseError, lateSwitchError, otherVectorsError } from './space-errors';
import { SpaceTracks, type TrackOptions } from './space-tracks';
import { Succession } from './succession';

/** The queue of files that no space is known for yet. */
const UNASSIGNED = '';

/** A space that is filled and kept up to date. */
export interface LiveSpace {
  record: SpaceRecord;
  role: Exclude<SpaceRole, 'kept'>;
  track: SpaceTrack;
}

export interface SpacesOptions {
  records: SpaceRecords;
  /** The model that the configuration names. */
  configured: EmbeddingIdentity;
  /** The one that it names to fall back on; null for none. */
  fallback: EmbeddingIdentity | null;
  createTrack: (options: TrackOptions) => SpaceTrack;
  entriesOf: (spaceId: string) => IndexEntries;
  /** Moves the queue of files that no space was known for to this space. */
  assign: (from: string, to: string) => Promise<void>;
  logger: Logger;
  clock: Clock;
}

/**
 * Which space answers, which one fills, and the change from one to the other.
 *
 * The first model that opens answers at once. When the configuration names another one, the former goes on answering
 * and being kept up to date while the new one fills; when that holds every picture and passes its self-check, it takes
 * over in one step for all processes. The former is kept as it is until it is dropped. A space that has answered
 * before never takes over by itself again: going back and forth is the operator's decision.
 *
 * The space to fall back on is filled and kept up to date beside them, and never takes over by itself.
 *
 * All of it can be killed at any time: what is decided lies in the records, what is done in the queues.
 */
export class Spaces {
  readonly #options: SpacesOptions;
  readonly #tracks: SpaceTracks;
  readonly #stopping = new AbortController();
  readonly #readiness: Readiness;
  readonly #succession: Succession;

  constructor(options: SpacesOptions) {
    this.#options = options;
    const { clock, configured, createTrack, entriesOf, fallback, logger, records } = options;
    const { signal } = this.#stopping;
    this.#tracks = new SpaceTracks({
      ...{ configured, fallback, createTrack, signal, logger, clock },
      onTargetOpened: (space) => this.#announce(space),
      onFallbackOpened: async (space) => {
        if (fallback) await records.register(space, fallback);
      },
    });
    const sayOnce = createOnceWarner(logger);
    this.#readiness = new Readiness({ entriesOf, clock, signal, onProblem: sayOnce });
    this.#succession = new Succession({
      ...{ records, configured, signal, logger, clock, sayOnce },
      tracks: this.#tracks,
      readiness: this.#readiness,
      roleOf: (record, all) => this.roleOf(record, all),
    });
  }

  /**
   * Keeps track of which space answers, and has the next one open before it does. Searches are answered without it,
   * too.
   *
   * @param isIndexing whether this process works the queues off, and fills a new space
   */
  start(options: { isIndexing: boolean }): void {
    this.#succession.start(options);
  }

  /** The open space that answers; fails as opening it does. */
  async get(signal?: AbortSignal): Promise<OpenSpace> {
    const track = await this.answering();
    return track.activeSpace.get(signal);
  }

  /** Whether the configuration names a model to fall back on. */
  get hasFallback(): boolean {
    return this.#options.fallback !== null;
  }

  /** The open space to fall back on; null without one, or when it is the one that answers. Fails as opening does. */
  async getFallback(signal?: AbortSignal): Promise<OpenSpace | null> {
    const fallback = this.#tracks.fallback();
    if (fallback === null || (await this.answering()) === fallback) return null;
    return fallback.activeSpace.get(signal);
  }

  /** Why indexing in the space that answers pauses, as far as this process knows; null while it does not. */
  pauseError(): ImageSearchError | null {
    const { lastAnswering } = this.#succession;
    const track = lastAnswering === null ? null : this.#tracks.find(lastAnswering);
    return track?.workerStatus().pause?.error ?? null;
  }

  /** What this process does in the space that answers, for all processes the same at the same moment. */
  async answering(): Promise<SpaceTrack> {
    return this.#tracks.of(answeringOf(await this.#options.records.list()));
  }

  /** Puts changed files into the queue of every space that must hear of it. */
  async markPending(fileIds: readonly number[]): Promise<void> {
    for (const spaceId of await this.liveSpaceIds()) {
      await this.#options.entriesOf(spaceId).markPending(fileIds);
    }
  }

  /** @throws ImageSearchError `invalid-input` for a space that is not known */
  async find(spaceId: string): Promise<SpaceRecord> {
    return findIn(await this.#options.records.list(), spaceId);
  }

  roleOf(record: SpaceRecord, records: readonly SpaceRecord[]): SpaceRole {
    return roleOf(record, records, this.#fallbackModel());
  }

  /** Whether it is the space of the model that the configuration names to answer. */
  isConfigured(record: SpaceRecord, records: readonly SpaceRecord[]): boolean {
    const { configured: identity } = this.#options;
    return spaceOf({ identity, spaceId: this.#tracks.target().spaceId() }, records) === record;
  }

  /** What this process does in the space of the model that the configuration names. */
  configured(): SpaceTrack {
    return this.#tracks.target();
  }

  /** Spaces that are filled and kept up to date; not one that the configuration no longer names. */
  async live(): Promise<LiveSpace[]> {
    const records = await this.#options.records.list();
    return records.flatMap((record) => {
      const role = this.roleOf(record, records);
      if (role === 'kept' || this.#isAbandoned(record, role)) return [];
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

  retryNow(): void {
    this.#readiness.forgetProblems();
    for (const track of this.#tracks.all()) track.retryNow();
    this.#succession.lookNow();
  }

  /** What keeps a space from filling or from taking over, as far as this process knows; null for nothing. */
  problemOf(record: SpaceRecord, role: SpaceRole): string | null {
    if (this.#isAbandoned(record, role)) {
      return 'The configuration names another model by now: name this one again, or drop its space.';
    }
    const { id } = record.space;
    const track = this.#tracks.find(id);
    return this.#readiness.problemOf(id) ?? (track ? failureOf(track) : null);
  }

  /** A model that the configuration names, while it could not be opened yet and another one answers. */
  async unopened(): Promise<{ model: string; message: string } | null> {
    if (answeringOf(await this.#options.records.list()) === null) return null;
    for (const track of [this.#tracks.target(), this.#tracks.fallback()]) {
      const message = track?.spaceId() === null ? failureOf(track) : null;
      if (track && message !== null) return { model: String(track.identity['model']), message };
    }
    return null;
  }

  /**
   * Makes a space answer at once, complete or not.
   *
   * @throws ImageSearchError `invalid-input` for a space that is not known, `conflict` when another switch came first
   */
  async activate(spaceId: string): Promise<void> {
    const records = await this.#options.records.list();
    const record = findIn(records, spaceId);
    const answering = answeringOf(records);
    if (answering?.space.id === spaceId) return;
    // Fails before the switch when this process could not answer in it.
    const { provider } = await this.#tracks.of(record).activeSpace.get(this.#stopping.signal);
    if (provider.space.id !== spaceId) throw otherVectorsError(provider.space);
    if (!(await this.#succession.switchTo(spaceId, answering))) throw lateSwitchError();
  }

  /**
   * What `dropSpace` of the store needs to have gone before: nobody writes to the space and no record names it.
   *
   * @throws ImageSearchError `invalid-input` for a space that is not known, `conflict` for one that is in use
   */
  async forget(spaceId: string): Promise<void> {
    const records = await this.#options.records.list();
    const record = findIn(records, spaceId);
    const role = this.roleOf(record, records);
    if (role !== 'answering' && this.isConfigured(record, records)) {
      throw inUseError(record, 'configured');
    }
    if (role === 'fallback') throw inUseError(record, 'fallback');
    await this.#tracks.drop(spaceId);
    if (!(await this.#options.records.forget(spaceId))) throw inUseError(record, 'answering');
  }

  async stopIndexing(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#tracks.stopIndexing(graceMs);
    await this.#succession.ended();
    await this.#tracks.farewells();
  }

  async dispose(): Promise<void> {
    this.#stopping.abort();
    await this.#tracks.dispose();
  }

  /** Spaces that must hear of every change; the empty id as long as none answers. */
  async liveSpaceIds(): Promise<string[]> {
    const records = await this.#options.records.list();
    const live = liveOf(records, this.#fallbackModel()).map(({ space }) => space.id);
    return answeringOf(records) ? live : [UNASSIGNED, ...live];
  }

  #fallbackModel(): NamedModel | null {
    const track = this.#tracks.fallback();
    return track && { identity: track.identity, spaceId: track.spaceId() };
  }

  /** Whether nobody fills it any more, though it has not answered yet. */
  #isAbandoned({ identity }: SpaceRecord, role: SpaceRole): boolean {
    return role === 'filling' && !isSameIdentity(identity, this.#options.configured);
  }

  /** The configured provider was opened: its space is known now, and answers if no other can. */
  async #announce(space: VectorSpace): Promise<void> {
    const { assign, configured, logger, records } = this.#options;
    await records.register(space, configured);
    const answering = answeringOf(await records.list());
    if (answering === null) {
      await records.activate(space.id, null);
    } else if (answering.space.id !== space.id && isSameIdentity(answering.identity, configured)) {
      logger.warn(
        `The model "${space.model}" makes other vectors than before: its files have changed, or the way that pictures are prepared for it. Nothing can answer in its former space, so searches find less until every picture is embedded anew.`,
      );
      await records.activate(space.id, answering.space.id);
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

/** Why a track does not work right now; null when it does. */
function failureOf(track: SpaceTrack): string | null {
  const { pause } = track.workerStatus();
  if (pause) return pause.error.message;
  const state = track.activeSpace.state();
  return state.kind === 'failed' ? state.error.message : null;
}
