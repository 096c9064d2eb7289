import type { Clock } from '../clock';
import { isSameIdentity, type EmbeddingIdentity, type VectorSpace } from '../embedding/contract';
import { toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { SpaceRecord, SpaceTrack } from './contract';

/** A space that was switched away from answers searches that are under way; they end sooner. */
const FAREWELL_MS = 20_000;
/** What a track that is switched off may finish. */
const DRAIN_MS = 3_000;

export interface TrackOptions {
  identity: EmbeddingIdentity;
  /** The space that the provider must turn out to have; null for whichever it has. */
  expectedSpaceId: string | null;
  /** Called whenever the provider was opened, before anybody uses it; a failure fails the opening. */
  onOpened: (space: VectorSpace) => Promise<void>;
}

export interface SpaceTracksOptions {
  /** The model that the configuration names. */
  configured: EmbeddingIdentity;
  /** The one that it names to fall back on; null for none. */
  fallback: EmbeddingIdentity | null;
  createTrack: (options: TrackOptions) => SpaceTrack;
  onTargetOpened: (space: VectorSpace) => Promise<void>;
  onFallbackOpened: (space: VectorSpace) => Promise<void>;
  /** Aborted when the product ends. */
  signal: AbortSignal;
  logger: Logger;
  clock: Clock;
}

/** What this process does in each space: one track for one space, made when it is first asked for. */
export class SpaceTracks {
  readonly #options: SpaceTracksOptions;
  /** By the space they were made for; those of the configured models are known by their identity alone. */
  readonly #others = new Map<string, SpaceTrack>();
  readonly #started = new Set<SpaceTrack>();
  readonly #farewells = new Set<Promise<void>>();
  #target: SpaceTrack | null = null;
  #fallback: SpaceTrack | null = null;

  constructor(options: SpaceTracksOptions) {
    this.#options = options;
  }

  /** The track of the model that the configuration names. */
  target(): SpaceTrack {
    const { configured: identity, createTrack, onTargetOpened: onOpened } = this.#options;
    this.#target ??= createTrack({ identity, expectedSpaceId: null, onOpened });
    return this.#target;
  }

  /** The track of the model to fall back on; null without one. */
  fallback(): SpaceTrack | null {
    const { createTrack, fallback: identity, onFallbackOpened: onOpened } = this.#options;
    if (identity === null) return null;
    this.#fallback ??= createTrack({ identity, expectedSpaceId: null, onOpened });
    return this.#fallback;
  }

  /** The track of a space; of none, the one that finds out which it is. */
  of(record: SpaceRecord | null): SpaceTrack {
    if (record === null) return this.target();
    const { identity, space } = record;
    for (const track of [this.target(), this.fallback()]) {
      if (track === null) continue;
      const mayBeIt = track.spaceId() === null && isSameIdentity(identity, track.identity);
      if (mayBeIt) track.assume(space.id);
      if (track.spaceId() === space.id) return track;
    }
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

  all(): SpaceTrack[] {
    const configured = [this.#target, this.#fallback].filter((track) => track !== null);
    return [...configured, ...this.#others.values()];
  }

  /** The track of a space, if this process has one. */
  find(spaceId: string): SpaceTrack | null {
    return this.all().find((track) => track.spaceId() === spaceId) ?? null;
  }

  /** Tracks that index. */
  running(): SpaceTrack[] {
    return [...this.#started];
  }

  /** Answers false when it was begun before. */
  begin(track: SpaceTrack): boolean {
    if (this.#started.has(track)) return false;
    this.#started.add(track);
    track.start();
    return true;
  }

  /** Stops indexing in all others, and closes their providers when searches that began before have ended. */
  keepOnly(wanted: ReadonlySet<SpaceTrack>): void {
    for (const track of this.all()) {
      const isInUse = this.#started.has(track) || track.activeSpace.state().kind === 'open';
      if (isInUse && !wanted.has(track)) this.#retire(track);
    }
  }

  /** Stops and closes the track of a space that is to be dropped. */
  async drop(spaceId: string): Promise<void> {
    const track = this.#others.get(spaceId);
    if (!track) return;
    this.#others.delete(spaceId);
    await this.#close(track);
  }

  async stopIndexing(graceMs: number): Promise<void> {
    await Promise.all([...this.#started].map((track) => track.stop(graceMs)));
  }

  /** Until those that were retired are closed. */
  async farewells(): Promise<void> {
    await Promise.all(this.#farewells);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.all().map((track) => track.dispose()));
  }

  #retire(track: SpaceTrack): void {
    if (this.#target === track) this.#target = null;
    if (this.#fallback === track) this.#fallback = null;
    for (const [spaceId, other] of this.#others) {
      if (other === track) this.#others.delete(spaceId);
    }
    const farewell = this.#close(track, FAREWELL_MS).finally(() => {
      this.#farewells.delete(farewell);
    });
    this.#farewells.add(farewell);
  }

  async #close(track: SpaceTrack, waitMs = 0): Promise<void> {
    const { clock, logger, signal } = this.#options;
    this.#started.delete(track);
    try {
      await track.stop(DRAIN_MS);
      if (waitMs > 0) await clock.wait(waitMs, signal);
      await track.dispose();
    } catch (error) {
      const { message } = toImageSearchError(error);
      logger.warn(`A model that is no longer used did not close: ${message}`);
    }
  }
}
