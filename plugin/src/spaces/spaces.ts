import type { OpenSpace } from '../active-space';
import type { Clock } from '../clock';
import { isSameIdentity, type EmbeddingIdentity, type VectorSpace } from '../embedding/contract';
import { ImageSearchError, toImageSearchError } from '../errors';
import type { IndexEntries } from '../indexing/contract';
import type { Logger } from '../logger';
import type { SpaceRecord, SpaceRecords, SpaceRole, SpaceTrack } from './contract';
import { Readiness } from './readiness';
import { answeringOf, liveOf, roleOf } from './roles';

/** Longest time until a switch is noticed that another process made; searches notice it at once. */
const POLL_MS = 5_000;
/** A space that was switched away from answers searches that are under way; they end sooner. */
const FAREWELL_MS = 20_000;
/** What a track that is switched off may finish. */
const DRAIN_MS = 3_000;
/** The queue of files that no space is known for yet. */
const UNASSIGNED = '';

export interface TrackOptions {
  identity: EmbeddingIdentity;
  /** The space that the provider must turn out to have; null for whichever it has. */
  expectedSpaceId: string | null;
  /** Called whenever the provider was opened, before anybody uses it; a failure fails the opening. */
  onOpened: (space: VectorSpace) => Promise<void>;
}

export interface LiveSpace {
  record: SpaceRecord;
  role: Exclude<SpaceRole, 'kept'>;
  track: SpaceTrack;
}

export interface SpacesOptions {
  records: SpaceRecords;
  /** The model that the configuration names. */
  configured: EmbeddingIdentity;
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
 * All of it can be killed at any time: what is decided lies in the records, what is done in the queues.
 */
export class Spaces {
  readonly #options: SpacesOptions;
  /** Tracks of this process by the space they were made for; the configured one under its identity alone. */
  readonly #others = new Map<string, SpaceTrack>();
  readonly #started = new Set<SpaceTrack>();
  readonly #farewells = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #readiness: Readiness;
  readonly #said = new Set<string>();
  #isIndexing = false;
  #target: SpaceTrack | null = null;
  /** What answered when this process last looked; null before it did, or when nothing could answer. */
  #lastAnswering: string | null = null;
  #waking = new AbortController();
  #loop: Promise<void> | null = null;

  constructor(options: SpacesOptions) {
    this.#options = options;
    this.#readiness = new Readiness({
      entriesOf: options.entriesOf,
      clock: options.clock,
      signal: this.#stopping.signal,
      onProblem: (message) => {
        this.#sayOnce(message);
      },
    });
  }

  /**
   * Keeps track of which space answers, and has the next one open before it does. Searches are answered without it,
   * too.
   *
   * @param isIndexing whether this process works the queues off, and fills a new space
   */
  start({ isIndexing }: { isIndexing: boolean }): void {
    this.#isIndexing = isIndexing;
    this.#loop ??= this.#run();
  }

  /** The open space that answers; fails as opening it does. */
  async get(signal?: AbortSignal): Promise<OpenSpace> {
    const track = await this.answering();
    return track.activeSpace.get(signal);
  }

  /** What this process does in the space that answers, for all processes the same at the same moment. */
  async answering(): Promise<SpaceTrack> {
    return this.#trackOf(answeringOf(await this.#options.records.list()));
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

  /** What this process does in the space of the model that the configuration names. */
  configured(): SpaceTrack {
    return this.#targetTrack();
  }

  /** Spaces that are filled and kept up to date; not one that the configuration no longer names. */
  async live(): Promise<LiveSpace[]> {
    const records = await this.#options.records.list();
    return records.flatMap((record) => {
      const role = roleOf(record, records);
      const isIndexed =
        role === 'answering' || isSameIdentity(record.identity, this.#options.configured);
      return role === 'kept' || !isIndexed ? [] : [{ record, role, track: this.#trackOf(record) }];
    });
  }

  /** Tracks that index in this process. */
  running(): SpaceTrack[] {
    return [...this.#started];
  }

  wake(): void {
    for (const track of this.#started) track.wake();
  }

  retryNow(): void {
    this.#readiness.forgetProblems();
    for (const track of this.#tracks()) track.retryNow();
    this.#waking.abort();
  }

  /** What keeps a space from filling or from taking over, as far as this process knows; null for nothing. */
  problemOf({ space, identity, activation }: SpaceRecord): string | null {
    const isAbandoned = activation === null && !isSameIdentity(identity, this.#options.configured);
    if (isAbandoned) {
      return 'The configuration names another model by now: name this one again, or drop its space.';
    }
    const track = this.#tracks().find((candidate) => candidate.spaceId() === space.id);
    return this.#readiness.problemOf(space.id) ?? (track ? failureOf(track) : null);
  }

  /** The model that the configuration names, while it could not be opened yet and another one answers. */
  async unopened(): Promise<{ model: string; message: string } | null> {
    if (answeringOf(await this.#options.records.list()) === null) return null;
    const target = this.#target;
    const message = target?.spaceId() === null ? failureOf(target) : null;
    return message === null ? null : { model: String(target?.identity['model']), message };
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
    await this.#trackOf(record).activeSpace.get(this.#stopping.signal);
    if (!(await this.#switch(spaceId, answering))) {
      throw new ImageSearchError({
        code: 'conflict',
        message: 'Another switch came first. Look at the status and try again.',
        retryable: true,
      });
    }
  }

  /**
   * What `dropSpace` of the store needs to have gone before: nobody writes to the space and no record names it.
   *
   * @throws ImageSearchError `invalid-input` for a space that is not known, `conflict` for one that is in use
   */
  async forget(spaceId: string): Promise<void> {
    const records = await this.#options.records.list();
    const record = findIn(records, spaceId);
    const isConfigured = isSameIdentity(record.identity, this.#options.configured);
    if (isConfigured && roleOf(record, records) !== 'answering') throw inUseError(record, 'fills');
    const track = this.#others.get(spaceId);
    if (track) {
      this.#others.delete(spaceId);
      await this.#close(track);
    }
    if (!(await this.#options.records.forget(spaceId))) throw inUseError(record, 'answers');
  }

  async stopIndexing(graceMs: number): Promise<void> {
    this.#stopping.abort();
    this.#waking.abort();
    await Promise.all([...this.#started].map((track) => track.stop(graceMs)));
    await this.#loop;
    await Promise.all(this.#farewells);
  }

  async dispose(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#tracks().map((track) => track.dispose()));
  }

  #tracks(): SpaceTrack[] {
    return [...(this.#target ? [this.#target] : []), ...this.#others.values()];
  }

  /** Spaces that must hear of every change; the empty id as long as none answers. */
  async liveSpaceIds(): Promise<string[]> {
    const records = await this.#options.records.list();
    const live = liveOf(records).map(({ space }) => space.id);
    return answeringOf(records) ? live : [UNASSIGNED, ...live];
  }

  /** The track of the model that the configuration names. */
  #targetTrack(): SpaceTrack {
    this.#target ??= this.#options.createTrack({
      identity: this.#options.configured,
      expectedSpaceId: null,
      onOpened: (space) => this.#announce(space),
    });
    return this.#target;
  }

  #trackOf(record: SpaceRecord | null): SpaceTrack {
    const target = this.#targetTrack();
    if (record === null) return target;
    const { identity, space } = record;
    if (target.spaceId() === null && isSameIdentity(identity, target.identity))
      target.assume(space.id);
    if (target.spaceId() === space.id) return target;
    const known = this.#others.get(space.id);
    if (known) return known;
    const track = this.#options.createTrack({
      identity,
      expectedSpaceId: space.id,
      onOpened: () => Promise.resolve(),
    });
    this.#others.set(space.id, track);
    return track;
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

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // A fresh signal before looking: a wake-up that comes meanwhile is not lost.
      this.#waking = new AbortController();
      try {
        await this.#step();
      } catch (error) {
        this.#sayOnce(`The spaces could not be looked at: ${toImageSearchError(error).message}`);
      }
      await this.#options.clock.wait(POLL_MS, AbortSignal.any([this.#waking.signal, signal]));
    }
  }

  async #step(): Promise<void> {
    const { records } = this.#options;
    const target = this.#targetTrack();
    const answering = answeringOf(await records.list());
    const wanted = new Set<SpaceTrack>();
    const former = this.#trackOf(answering);
    wanted.add(former);
    if (former !== target && (await this.#isFilling(target))) wanted.add(target);
    if (this.#stopping.signal.aborted) return;
    for (const track of this.#tracks()) {
      const isInUse = this.#started.has(track) || track.activeSpace.state().kind === 'open';
      if (isInUse && !wanted.has(track)) this.#retire(track);
    }
    const isSwitched =
      this.#lastAnswering !== null &&
      answering !== null &&
      this.#lastAnswering !== answering.space.id;
    this.#lastAnswering = answering?.space.id ?? null;
    if (!this.#isIndexing) return;
    for (const track of wanted) {
      const isBegun = this.#begin(track);
      // A space that was kept has not heard of what changed, however short ago it was compared with the library.
      if (isBegun && isSwitched && track === former) void track.reconcileAgain();
    }
    if (answering && former !== target && wanted.has(target)) {
      const spaceId = await this.#readiness.findReady(target, answering);
      if (spaceId !== null) await this.#switch(spaceId, answering);
    }
  }

  /** Whether the configured space is a new one, which this process has to fill. */
  async #isFilling(target: SpaceTrack): Promise<boolean> {
    const { configured, records } = this.#options;
    const before = await records.list();
    const kept = before.find(
      (record) => isSameIdentity(record.identity, configured) && roleOf(record, before) === 'kept',
    );
    if (kept && target.spaceId() === null) {
      // Opening it would take memory for nothing.
      this.#sayOnce(
        `The configuration names the space ${kept.space.id}, which answered before; searches are answered in another since. Switch by hand if that is not wanted.`,
      );
      return false;
    }
    try {
      await target.activeSpace.get(this.#stopping.signal);
    } catch (error) {
      if (!this.#stopping.signal.aborted) {
        this.#sayOnce(
          `The new model cannot be opened; the former one goes on answering. ${toImageSearchError(error).message}`,
        );
      }
      return false;
    }
    const known = await records.list();
    const record = known.find(({ space }) => space.id === target.spaceId());
    return record?.activation === null;
  }

  async #switch(spaceId: string, from: SpaceRecord | null): Promise<boolean> {
    const { logger, records } = this.#options;
    const isSwitched = await records.activate(spaceId, from?.space.id ?? null);
    if (isSwitched) {
      logger.info(
        `Searches are answered in the space ${spaceId} from now on.${from ? ` ${from.space.id} is kept until it is dropped.` : ''}`,
      );
    }
    this.#waking.abort();
    return isSwitched;
  }

  /** Answers false when it was begun before. */
  #begin(track: SpaceTrack): boolean {
    if (this.#started.has(track)) return false;
    this.#started.add(track);
    track.start();
    return true;
  }

  /** Stops indexing in a space, and closes its provider when searches that began before have ended. */
  #retire(track: SpaceTrack): void {
    this.#started.delete(track);
    if (this.#target === track) this.#target = null;
    for (const [spaceId, other] of this.#others) {
      if (other === track) this.#others.delete(spaceId);
    }
    const farewell = this.#close(track, FAREWELL_MS).finally(() => {
      this.#farewells.delete(farewell);
    });
    this.#farewells.add(farewell);
  }

  async #close(track: SpaceTrack, waitMs = 0): Promise<void> {
    this.#started.delete(track);
    try {
      await track.stop(DRAIN_MS);
      if (waitMs > 0) await this.#options.clock.wait(waitMs, this.#stopping.signal);
      await track.dispose();
    } catch (error) {
      const { message } = toImageSearchError(error);
      this.#options.logger.warn(`A model that is no longer used did not close: ${message}`);
    }
  }

  #sayOnce(message: string): void {
    if (this.#said.has(message)) return;
    this.#said.add(message);
    this.#options.logger.warn(message);
  }
}

function findIn(records: readonly SpaceRecord[], spaceId: string): SpaceRecord {
  const record = records.find(({ space }) => space.id === spaceId);
  if (record) return record;
  const known = records.map(({ space }) => space.id).join(', ') || 'none yet';
  throw new ImageSearchError({
    code: 'invalid-input',
    message: `There is no space "${spaceId}"; known: ${known}.`,
    retryable: false,
  });
}

/** Why a track does not work right now; null when it does. */
function failureOf(track: SpaceTrack): string | null {
  const { pause } = track.workerStatus();
  if (pause) return pause.error.message;
  const state = track.activeSpace.state();
  return state.kind === 'failed' ? state.error.message : null;
}

function inUseError({ space }: SpaceRecord, what: 'answers' | 'fills'): ImageSearchError {
  return new ImageSearchError({
    code: 'conflict',
    message:
      what === 'answers'
        ? `Searches are answered in the space ${space.id}: it cannot be dropped. Switch to another first.`
        : `The configuration names the space ${space.id}: it would be filled again. Name another model first.`,
    retryable: false,
  });
}
