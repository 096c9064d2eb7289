import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { chunksOf } from '../chunks';
import type { Clock } from '../clock';
import { ImageSearchError, toImageSearchError, type Problem } from '../errors';
import type { Logger } from '../logger';
import { LEAST_MAPPED, MAX_MAPPED, type MapLayout, type MapReading } from '../map/contract';
import type { MapInput, MapMessage } from '../map/thread';
import type { DatabaseIdentity, VectorCollection } from '../vectors/contract';
import { resolveWorker } from '../workers';

/** Another way of laying out images makes every map again. */
const VERSION = 1;
/** A library that has changed by this share has its map made again; a small one after any change. */
const CHANGED_SHARE = 0.05;
const SMALL_LIBRARY = 2_000;
/** A library that is being indexed changes all the time. */
const LEAST_AGE_MS = 30_000;
const RETRY_MS = 30_000;
const IDS_AT_A_TIME = 10_000;
const VECTORS_AT_A_TIME = 500;

export interface LibraryMapOptions {
  /** Of the active space, without its model; null before the first one was opened. */
  openCollection: () => Promise<VectorCollection | null>;
  database: () => Promise<DatabaseIdentity>;
  /** How many images of a space were indexed since then. */
  countIndexedSince: (spaceId: string, moment: Date) => Promise<number>;
  /** Where the map is kept. */
  file: string;
  logger: Logger;
  clock: Clock;
}

/**
 * A map of the active space, made when someone first wants to see it, and again once the library has changed. It is laid
 * out in a thread of low priority and kept in a file, which processes on the same disk share.
 */
export class LibraryMap {
  readonly #options: LibraryMapOptions;
  readonly #stopping = new AbortController();
  #known: MapLayout | null = null;
  /** Of the file when it was last read or written; null for none. */
  #modifiedAt: number | null = null;
  #progress: number | null = null;
  #making: Promise<void> | null = null;
  #failure: { problem: Problem; at: number } | null = null;

  constructor(options: LibraryMapOptions) {
    this.#options = options;
  }

  /**
   * The map as it is; begins to make a new one if it is missing or outdated.
   *
   * @throws ImageSearchError `store-unavailable`, and whatever the database throws
   */
  async read(): Promise<MapReading> {
    const collection = await this.#options.openCollection();
    if (!collection) return { layout: null, progress: null, isTooSmall: true, problem: null };
    const total = await collection.count();
    const layout = await this.#find(collection.space.id);
    const isTooSmall = total < LEAST_MAPPED;
    if (!isTooSmall && !(await this.#isCurrent(layout, total))) this.#begin(collection, total);
    return {
      layout: isTooSmall ? null : layout,
      progress: this.#progress,
      isTooSmall,
      problem: this.#failure?.problem ?? null,
    };
  }

  /** Ends the thread; the next start begins again. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#making;
  }

  async #isCurrent(layout: MapLayout | null, total: number): Promise<boolean> {
    const now = this.#options.clock.now();
    if (this.#making || (this.#failure && now - this.#failure.at < RETRY_MS)) return true;
    if (!layout) return false;
    const madeAt = new Date(layout.madeAt);
    if (Math.abs(now - madeAt.getTime()) < LEAST_AGE_MS) return true;
    const indexed = await this.#options.countIndexedSince(layout.spaceId, madeAt);
    const changes = Math.max(indexed, Math.abs(total - layout.total));
    return changes === 0 || (total > SMALL_LIBRARY && changes < CHANGED_SHARE * layout.total);
  }

  /** From memory unless another process has made a newer one. */
  async #find(spaceId: string): Promise<MapLayout | null> {
    const { file } = this.#options;
    const modifiedAt = await modificationOf(file);
    if (modifiedAt !== this.#modifiedAt) {
      const { id } = await this.#options.database();
      const stored = await readStored(file);
      if (stored?.databaseId === id) this.#known = stored.layout;
      this.#modifiedAt = modifiedAt;
    }
    return this.#known?.spaceId === spaceId ? this.#known : null;
  }

  #begin(collection: VectorCollection, total: number): void {
    if (this.#making || this.#stopping.signal.aborted) return;
    this.#progress = 0;
    this.#making = this.#make(collection, total)
      .then(
        () => {
          this.#failure = null;
        },
        (error: unknown) => {
          this.#fail(error);
        },
      )
      .finally(() => {
        this.#progress = null;
        this.#making = null;
      });
  }

  async #make(collection: VectorCollection, total: number): Promise<void> {
    const { dimensions, id: spaceId } = collection.space;
    // What is indexed meanwhile is a change.
    const madeAt = new Date(this.#options.clock.now()).toISOString();
    const { fileIds, vectors } = await this.#readVectors(collection);
    const grid = await this.#layOut({ vectors, count: fileIds.length, dimensions });
    this.#known = { spaceId, total, fileIds, ...grid, madeAt };
    await this.#store(this.#known);
  }

  /** Without a file, this process keeps the map alone. */
  async #store(layout: MapLayout): Promise<void> {
    const { database, file, logger } = this.#options;
    const { id: databaseId } = await database();
    try {
      await writeStored(file, { version: VERSION, databaseId, layout });
    } catch (error) {
      const { message } = toImageSearchError(error);
      logger.warn(`The map of the library couldn't be written to ${file}. ${message}`);
    }
    this.#modifiedAt = await modificationOf(file);
  }

  /** There may be room for more vectors than were found. */
  async #readVectors(
    collection: VectorCollection,
  ): Promise<{ fileIds: number[]; vectors: Float32Array<ArrayBuffer> }> {
    const { signal } = this.#stopping;
    const { dimensions } = collection.space;
    const wanted = await sampleIds(collection, signal);
    const vectors = new Float32Array(wanted.length * dimensions);
    const fileIds: number[] = [];
    for (const ids of chunksOf(wanted, VECTORS_AT_A_TIME)) {
      signal.throwIfAborted();
      const points = await collection.getMany(ids);
      for (const { fileId, vector } of points.sort((one, other) => one.fileId - other.fileId)) {
        vectors.set(vector, fileIds.length * dimensions);
        fileIds.push(fileId);
      }
    }
    return { fileIds, vectors };
  }

  #layOut(
    input: MapInput & { vectors: Float32Array<ArrayBuffer> },
  ): Promise<Pick<MapLayout, 'side' | 'x' | 'y'>> {
    const { signal } = this.#stopping;
    signal.throwIfAborted();
    const { execArgv, file } = resolveWorker('map');
    const worker = new Worker(file, {
      execArgv,
      name: 'map',
      workerData: input,
      transferList: [input.vectors.buffer],
    });
    worker.unref();
    const end = (): void => void worker.terminate();
    signal.addEventListener('abort', end, { once: true });
    return new Promise<Pick<MapLayout, 'side' | 'x' | 'y'>>((resolve, reject) => {
      worker.on('message', (message: MapMessage) => {
        if ('layout' in message) resolve(message.layout);
        else this.#progress = message.progress;
      });
      worker.on('error', reject);
      worker.on('exit', () => {
        reject(
          new ImageSearchError({
            code: 'aborted',
            message: 'The map was not finished: its thread ended.',
            retryable: true,
          }),
        );
      });
    }).finally(() => {
      signal.removeEventListener('abort', end);
      end();
    });
  }

  #fail(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const { code, message } = toImageSearchError(error);
    this.#failure = { problem: { code, message }, at: this.#options.clock.now() };
    this.#options.logger.warn(`The map of the library couldn't be made. ${message}`);
  }
}

/**
 * The same files again as long as they are there: those whose ids have the lowest hashes. Chosen page by page, so that
 * millions of ids are neither held nor sorted at once.
 */
async function sampleIds(collection: VectorCollection, signal: AbortSignal): Promise<number[]> {
  let ids: number[] = [];
  let cursor: number | null = null;
  do {
    signal.throwIfAborted();
    const page = await collection.listIds(cursor, IDS_AT_A_TIME);
    ids.push(...page.ids);
    if (ids.length > MAX_MAPPED) {
      ids = ids.sort((one, other) => hashOf(one) - hashOf(other)).slice(0, MAX_MAPPED);
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return ids.sort((one, other) => one - other);
}

/** Fibonacci hashing. */
function hashOf(id: number): number {
  return Math.imul(id, 0x9e3779b1) >>> 0;
}

const numbersSchema = z.array(z.int().min(0));
const storedSchema = z.object({
  version: z.literal(VERSION),
  databaseId: z.string(),
  layout: z.object({
    spaceId: z.string(),
    total: z.int(),
    side: z.int(),
    fileIds: numbersSchema,
    x: numbersSchema,
    y: numbersSchema,
    madeAt: z.string(),
  }),
});

type Stored = z.output<typeof storedSchema>;

/** Null if there is none, or a damaged one, which the next one replaces. */
async function readStored(file: string): Promise<Stored | null> {
  try {
    const { data } = storedSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
    return data ?? null;
  } catch {
    return null;
  }
}

/** In milliseconds; null if there is no such file. */
async function modificationOf(file: string): Promise<number | null> {
  try {
    return (await stat(file)).mtimeMs;
  } catch {
    return null;
  }
}

async function writeStored(file: string, stored: Stored): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const unfinished = `${file}.${String(process.pid)}`;
  await writeFile(unfinished, JSON.stringify(stored));
  await rename(unfinished, file);
}
