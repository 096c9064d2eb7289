import type { Clock } from '../clock';
import type { EmbeddingIdentity, VectorSpace } from '../embedding/contract';
import { isSameIdentity } from '../embedding/vector-space';
import { ImageSearchError, toImageSearchError } from '../errors';
import type { Logger } from '../logger';
import type { SpaceRecord, SpaceTrack } from './contract';

/** How long a retired track stays open for searches in progress. */
const RETIREMENT_MS = 20_000;
/** How long a track that is stopped may finish its batches. */
const DRAIN_MS = 3_000;

export interface TrackOptions {
  identity: EmbeddingIdentity;
  /** The only space that the provider may have; null for any. */
  expectedSpaceId: string | null;
  /** Called after the provider was opened and before it is used; a rejection fails the opening. */
  onOpened: (space: VectorSpace) => Promise<void>;
}

export interface SpaceTracksOptions {
  /** The configured model. */
  configured: EmbeddingIdentity;
  /** The configured fallback model; null without one. */
  fallback: EmbeddingIdentity | null;
  createTrack: (options: TrackOptions) => SpaceTrack;
  onTargetOpened: (space: VectorSpace) => Promise<void>;
  onFallbackOpened: (space: VectorSpace) => Promise<void>;
  /** Aborted at shutdown. */
  signal: AbortSignal;
  logger: Logger;
  clock: Clock;
}

/** The tracks of this process: one per space, created on first use. */
export class SpaceTracks {
  readonly #options: SpaceTracksOptions;
  /** By space; the tracks of the configured models may not know theirs yet. */
  readonly #others = new Map<string, SpaceTrack>();
  readonly #started = new Set<SpaceTrack>();
  readonly #retiring = new Set<Promise<void>>();
  #target: SpaceTrack | null = null;
  #fallback: SpaceTrack | null = null;

  constructor(options: SpaceTracksOptions) {
    this.#options = options;
  }

  /** The track of the configured model. */
  target(): SpaceTrack {
    const { configured: identity, createTrack, onTargetOpened: onOpened } = this.#options;
    this.#target ??= createTrack({ identity, expectedSpaceId: null, onOpened });
    return this.#target;
  }

  /** The track of the configured fallback model; null without one. */
  fallback(): SpaceTrack | null {
    const { createTrack, fallback: identity, onFallbackOpened: onOpened } = this.#options;
    if (identity === null) return null;
    this.#fallback ??= createTrack({ identity, expectedSpaceId: null, onOpened });
    return this.#fallback;
  }

  /** The track of a space; without a space yet, that of the configured model. */
  of(record: SpaceRecord | null): SpaceTrack {
    if (record === null) return this.target();
    const { identity, space } = record;
    for (const track of [this.target(), this.fallback()]) {
      if (track === null) continue;
      const mayBeIt = track.spaceId() === null && isSameIdentity(identity, track.identity);
      if (mayBeIt) track.expect(space.id);
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

  /** Tracks that are indexing. */
  running(): SpaceTrack[] {
    return [...this.#started];
  }

  /** Starts indexing; false if it was started before. */
  start(track: SpaceTrack): boolean {
    if (this.#started.has(track)) return false;
    this.#started.add(track);
    track.start();
    return true;
  }

  /** Retires all other tracks: stops indexing, and closes their providers when searches in progress have ended. */
  keepOnly(wanted: ReadonlySet<SpaceTrack>): void {
    for (const track of this.all()) {
      const isInUse = this.#started.has(track) || track.activeSpace.state().kind === 'open';
      if (isInUse && !wanted.has(track)) this.#retire(track);
    }
  }

  /** Stops and closes the track of a space that is about to be deleted. */
  async drop(spaceId: string): Promise<void> {
    const track = this.#others.get(spaceId);
    if (!track) return;
    this.#others.delete(spaceId);
    await this.#close(track);
  }

  async stopIndexing(graceMs: number): Promise<void> {
    await Promise.all([...this.#started].map((track) => track.stop(graceMs)));
  }

  /** Resolves when all retired tracks are closed. */
  async untilRetired(): Promise<void> {
    await Promise.all(this.#retiring);
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
    const retirement = this.#close(track, RETIREMENT_MS).finally(() => {
      this.#retiring.delete(retirement);
    });
    this.#retiring.add(retirement);
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
      logger.warn(`Couldn't close a model that is no longer used: ${message}`);
    }
  }
}

/** The error when a model no longer makes the vectors of its space. */
export function otherVectorsError({ model }: VectorSpace): ImageSearchError {
  return new ImageSearchError({
    code: 'provider-model-missing',
    message: `The model "${model}" doesn't match the stored vectors: its files have changed. Restore the previous files, or switch to the new model.`,
    retryable: true,
  });
}
