import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { chunksOf } from '../chunks';
import type { Clock } from '../clock';
import type { EmbeddingProvider } from '../embedding/contract';
import { toImageSearchError } from '../errors';
import type { JobLeases, LeaseOwner } from '../lease';
import type { Logger } from '../logger';
import type {
  Calibration,
  CalibrationSource,
  ImageTag,
  ImageTags,
  TagLabel,
  TaggedImage,
} from '../search/relevance/contract';
import { embedKnownTexts } from '../search/relevance/measurement';
import {
  relevanceOf,
  signalOfText,
  pairScale,
  type RelevanceScale,
} from '../search/relevance/scale';
import type { SpaceManager } from '../spaces/space-manager';
import type { VectorCollection } from '../vectors/contract';
import { BackgroundJob } from './background-job';

const POLL_MS = 5_000;
/** Also when nothing was heard of, such as after a restore. */
const WALK_AGAIN_MS = 60 * 60_000;
/** After an outage of the model, the store or the database, or while the budget is used up. */
const RETRY_MS = 60_000;
/** After a failure that doesn't pass by itself. */
const RETRY_BROKEN_MS = 60 * 60_000;
/** Images that are read and written at a time. */
const PAGE_SIZE = 100;
/** Images to look at one by one; beyond that, all are looked at. */
const MOST_CHANGED = 5_000;
/** Multiplications in a row, about a millisecond, before others have a turn. */
const TURN = 1_000_000;

export interface TaggerOptions {
  settings: { labels: readonly TagLabel[]; threshold: number };
  spaces: Pick<SpaceManager, 'active'>;
  calibrations: CalibrationSource;
  records: ImageTags;
  /** Whether texts may be sent to a paid model now. */
  canPay: (provider: string) => Promise<boolean>;
  /** Whether an operator has paused indexing. */
  isHeld: () => Promise<boolean>;
  jobs: JobLeases;
  leaseMs: number;
  owner: LeaseOwner;
  logger: Logger;
  clock: Clock;
}

interface Tagging {
  /** Of the labels, the threshold, the model and its calibration: with other ones, images are tagged again. */
  id: string;
  provider: EmbeddingProvider;
  collection: VectorCollection;
  calibration: Calibration;
  scale: RelevanceScale;
}

/** A label that the model knows. */
interface EmbeddedLabel {
  name: string;
  vector: Float32Array;
}

/**
 * Tags images with the operator's labels: an image has those that it answers better than all but a few texts without an
 * answer would; see `pairScale`. It compares the vectors that the active space has, so no image is embedded for it. One
 * process at a time tags, in pages, and the database knows which images are left.
 */
export class Tagger {
  readonly #options: TaggerOptions;
  readonly #job: BackgroundJob;
  /** By space: each label is embedded once in a process, and null is one of which the model knows no word. */
  readonly #embedded = new Map<string, Map<string, Float32Array | null>>();
  /** The tagging for which every image was looked at, and when. */
  #walked: { id: string; at: number } | null = null;
  /** Images that were indexed since. */
  readonly #changed = new Set<number>();
  #retryAt = -Infinity;

  constructor(options: TaggerOptions) {
    this.#options = options;
    const { clock, jobs, leaseMs, logger, owner } = options;
    this.#job = new BackgroundJob({
      name: 'tag images',
      isDue: () => this.#isDue(),
      pollMs: POLL_MS,
      run: (signal) => this.#run(signal),
      warnings: {
        failed: "Some images couldn't be tagged; retrying later.",
        unfinished: 'Some images will be tagged after the next start.',
      },
      jobs,
      leaseMs,
      owner,
      logger,
      clock,
    });
  }

  start(): void {
    if (this.#options.settings.labels.length > 0) this.#job.start();
  }

  async stop(): Promise<void> {
    await this.#job.stop();
  }

  /** Tags what is left, unless another process does. */
  async runOnce(): Promise<void> {
    await this.#job.runOnce();
  }

  /** These images were indexed in this process. */
  noteIndexed(fileIds: readonly number[]): void {
    for (const fileId of fileIds) this.#changed.add(fileId);
    if (this.#changed.size <= MOST_CHANGED) return;
    this.#changed.clear();
    this.#walked = null;
  }

  /** False while nothing can be tagged: outages are for others to report. */
  async #isDue(): Promise<boolean> {
    const { clock, isHeld, logger } = this.#options;
    if (this.#retryAt > clock.elapsed()) return false;
    try {
      if (await isHeld()) return false;
      const tagging = await this.#tagging();
      if (tagging === null) return false;
      return this.#changed.size > 0 || !this.#isWalked(tagging);
    } catch (error) {
      logger.debug(`Nothing is tagged now. ${toImageSearchError(error).message}`);
      return false;
    }
  }

  #isWalked({ id }: Tagging): boolean {
    const walked = this.#walked;
    return walked?.id === id && walked.at + WALK_AGAIN_MS > this.#options.clock.elapsed();
  }

  /** Null until the active space is open and calibrated. */
  async #tagging(): Promise<Tagging | null> {
    const { calibrations, settings, spaces } = this.#options;
    if (settings.labels.length === 0) return null;
    const state = (await spaces.active()).activeSpace.state();
    // No model is opened for this alone.
    if (state.kind !== 'open') return null;
    const { collection, provider } = state.space;
    const calibration = await calibrations.calibrationOf(provider.space.id);
    if (calibration === null) return null;
    const scale = pairScale(calibration);
    const basis = [settings, provider.space.id, scale];
    const id = createHash('sha256').update(JSON.stringify(basis)).digest('hex').slice(0, 32);
    return { id, provider, collection, calibration, scale };
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const tagging = await this.#tagging();
    if (tagging === null) return;
    const changed = this.#isWalked(tagging) ? [...this.#changed] : null;
    // What is indexed from here on may be passed already.
    this.#changed.clear();
    if (changed === null) this.#walked = { id: tagging.id, at: clock.elapsed() };
    try {
      await this.#tagAll(tagging, changed, signal);
    } catch (error) {
      const { message, retryable } = toImageSearchError(error);
      this.#postpone(retryable ? RETRY_MS : RETRY_BROKEN_MS);
      if (signal.aborted) return;
      if (!retryable) throw error;
      logger.debug(`Images couldn't be tagged now. ${message}`);
    }
  }

  #postpone(forMs: number): void {
    this.#retryAt = this.#options.clock.elapsed() + forMs;
    this.#walked = null;
  }

  /** @param changed null for all images that are left */
  async #tagAll(
    tagging: Tagging,
    changed: readonly number[] | null,
    signal: AbortSignal,
  ): Promise<void> {
    const { logger, records } = this.#options;
    const options = { spaceId: tagging.provider.space.id, tagging: tagging.id };
    let labels: readonly EmbeddedLabel[] | null = null;
    let count = 0;
    for await (const files of this.#untagged(options, changed)) {
      signal.throwIfAborted();
      labels ??= await this.#embedLabels(tagging.provider, signal);
      if (labels === null) {
        this.#postpone(RETRY_MS);
        return;
      }
      const images = await this.#tag(files, { ...tagging, labels });
      await records.replace(images, options);
      count += images.length;
    }
    if (count > 0) logger.debug(`Tagged ${String(count)} images.`);
  }

  /** In pages; others have a turn between statements. */
  async *#untagged(
    options: { spaceId: string; tagging: string },
    changed: readonly number[] | null,
  ): AsyncGenerator<readonly Omit<TaggedImage, 'tags'>[]> {
    const { records } = this.#options;
    if (changed !== null) {
      for (const fileIds of chunksOf(changed, PAGE_SIZE)) {
        const { files } = await records.listUntagged({ ...options, among: { fileIds } });
        if (files.length > 0) yield files;
      }
      return;
    }
    for (let after: number | null = 0; after !== null;) {
      const { files, next }: Awaited<ReturnType<ImageTags['listUntagged']>> =
        await records.listUntagged({ ...options, among: { after } });
      yield* chunksOf(files, PAGE_SIZE);
      await nextTurn();
      after = next;
    }
  }

  /** Without files whose vectors are those of other bytes: they will be indexed again. */
  async #tag(
    files: readonly Omit<TaggedImage, 'tags'>[],
    tagging: Tagging & { labels: readonly EmbeddedLabel[] },
  ): Promise<TaggedImage[]> {
    const { calibration, collection, labels, scale } = tagging;
    const { threshold } = this.#options.settings;
    const points = await collection.getMany(files.map(({ fileId }) => fileId));
    const stored = new Map(points.map((point) => [point.fileId, point]));
    const signals = labels.map(({ name, vector }) => ({
      name,
      signalOf: signalOfText(vector, calibration),
    }));
    const images: TaggedImage[] = [];
    let multiplied = 0;
    for (const file of files) {
      const point = stored.get(file.fileId);
      if (point?.payload.contentHash !== file.contentHash) continue;
      const tags = signals
        .map(({ name, signalOf }): ImageTag => {
          return { name, relevance: relevanceOf(scale, signalOf(point.vector)) };
        })
        .filter(({ relevance }) => relevance >= threshold && relevance > 0)
        .sort((one, other) => other.relevance - one.relevance);
      images.push({ ...file, tags });
      multiplied += labels.length * point.vector.length;
      if (multiplied > TURN) {
        multiplied = 0;
        await nextTurn();
      }
    }
    return images;
  }

  /** Without those of which the model knows no word; null while they can't be paid for. */
  async #embedLabels(
    provider: EmbeddingProvider,
    signal: AbortSignal,
  ): Promise<EmbeddedLabel[] | null> {
    const { canPay, settings } = this.#options;
    const known = this.#embedded.get(provider.space.id) ?? new Map<string, Float32Array | null>();
    this.#embedded.set(provider.space.id, known);
    const texts = settings.labels.map(({ text }) => text);
    const isPaid = texts.some((text) => !known.has(text));
    if (isPaid && !(await canPay(provider.space.provider))) return null;
    await embedKnownTexts(provider, texts, { known, signal });
    return settings.labels.flatMap(({ name, text }) => {
      const vector = known.get(text);
      return vector ? [{ name, vector }] : [];
    });
  }
}
