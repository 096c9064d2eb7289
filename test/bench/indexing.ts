import { readFile } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import sharp from 'sharp';
import type { EmbeddingProvider } from '../../plugin/src/embedding/contract';
import { embeddingConfigSchema, openEmbeddingProvider } from '../../plugin/src/embedding/registry';
import type { PreparedImage } from '../../plugin/src/images/contract';
import { createImageReader } from '../../plugin/src/images/image-reader';
import { imageSearchOf } from '../../server/src/composition';
import { IMAGE_TRACE_UID } from '../../server/src/plugin-id';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { loadImages, localModelConfig, withDataFolder, type BenchImage } from './fixtures';
import { summarize, timed, type Measurement } from './measurement';
import { writeRandomModel } from './random-model';

const SMALL_IMAGES = 120;
const LARGE_IMAGES = 24;
const LARGE = { width: 4_000, height: 3_000 };
const ROUNDS = 3;
const POLL_MS = 50;
const NANOSECONDS_PER_MILLISECOND = 1e6;

interface Workload {
  /** What is measured, for its rows. */
  name: string;
  images: readonly BenchImage[];
  embedding: Record<string, unknown>;
}

/**
 * Indexing a library for the first time, end to end: reading, decoding, embedding, storing, traces with everything
 * derived from them, and the search for duplicates, until the last image was compared. Against the bare model, which
 * gets the same images decoded in memory, in turn. With a model that takes about 35 ms an image and one that takes about
 * 100 (CLIP's ViT-B/32 in fp32), and with photographs of 0.2 and 12 megapixels. Further views and words are off, so that
 * the model has as much to do in both.
 */
export async function benchIndexing(): Promise<Measurement[]> {
  return withDataFolder(async (folder) => {
    const small = await loadImages(SMALL_IMAGES);
    const large = await Promise.all(small.slice(0, LARGE_IMAGES).map(enlarge));
    const base = { provider: 'clip', model: await writeRandomModel(folder, 'fp32'), dtype: 'fp32' };
    const workloads: Workload[] = [
      { name: 'small model, 0.2 megapixels', images: small, embedding: localModelConfig() },
      { name: 'ViT-B/32, 0.2 megapixels', images: small, embedding: base },
      { name: 'ViT-B/32, 12 megapixels', images: large, embedding: base },
    ];
    const results: Measurement[] = [];
    for (const workload of workloads) results.push(...(await measure(workload)));
    return results;
  });
}

export async function enlarge({ bytes, fileName }: BenchImage): Promise<BenchImage> {
  return {
    fileName,
    bytes: await sharp(bytes)
      .resize({ ...LARGE, fit: 'fill' })
      .jpeg()
      .toBuffer(),
  };
}

async function measure({ name, images, embedding }: Workload): Promise<Measurement[]> {
  const app = await startStrapi({ imageSearch: { embedding } });
  const provider = await openBareModel(embedding);
  try {
    const library = await fillLibrary(app, images);
    const prepared = await prepareAll(images, provider);
    await embedAll(prepared.slice(0, provider.limits.imagesPerCall), provider);
    await library.indexAfresh();
    const rounds: Round[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const bare = await timed(() => embedAll(prepared, provider));
      rounds.push({ ...(await library.indexAfresh()), bareMs: bare.milliseconds / images.length });
    }
    return describe(name, rounds);
  } finally {
    await provider.dispose();
    await app.stop();
  }
}

/** Of one image, except the delay. */
interface Round {
  bareMs: number;
  totalMs: number;
  /** Processor time of the thread that Strapi answers requests on. */
  strapiMs: number;
  delayMs: number;
}

function describe(name: string, rounds: readonly Round[]): Measurement[] {
  const row = (
    what: string,
    unit: string,
    valueOf: (round: Round) => number,
    bar: Measurement['bar'],
  ): Measurement =>
    summarize({ name: `first index, ${name}: ${what}`, unit, values: rounds.map(valueOf), bar });
  return [
    row('of the bare model', 'ratio', ({ bareMs, totalMs }) => bareMs / totalMs, {
      kind: 'at least',
      value: 0.95,
    }),
    row('per image', 'ms', ({ totalMs }) => totalMs, { kind: 'at most', value: 150 }),
    row("per image on Strapi's thread", 'ms', ({ strapiMs }) => strapiMs, {
      kind: 'at most',
      value: 10,
    }),
    row('event-loop delay, p99', 'ms', ({ delayMs }) => delayMs, { kind: 'at most', value: 25 }),
  ];
}

/** A library of these images that can be indexed for the first time again and again. */
export async function fillLibrary(app: StrapiApp, images: readonly BenchImage[]) {
  const { duplicates, holds, index, spaces } = imageSearchOf(app.strapi);
  await holds.begin(null);
  const ids: number[] = [];
  for (const { bytes, fileName } of images) {
    ids.push((await app.uploadThroughAdmin(bytes, fileName)).id);
  }
  const track = await spaces.active();
  const compared = (): Promise<number> =>
    app.strapi.db.query(IMAGE_TRACE_UID).count({ where: { comparedIn: { $notNull: true } } });

  async function forgetAll(): Promise<void> {
    await holds.begin(null);
    await duplicates.watch.forget(ids);
    // To be embedded again, although the store may still know vectors of these bytes.
    await index.reindex('all');
  }

  return {
    async indexAfresh(): Promise<Omit<Round, 'bareMs'>> {
      await forgetAll();
      const eventLoop = monitorEventLoopDelay({ resolution: 5 });
      eventLoop.enable();
      const before = await threadMilliseconds();
      const { milliseconds } = await timed(async () => {
        await holds.end();
        track.wake();
        while ((await compared()) < images.length) await wait(POLL_MS);
      });
      const strapiMs = ((await threadMilliseconds()) - before) / images.length;
      eventLoop.disable();
      const delayMs = eventLoop.percentile(99) / NANOSECONDS_PER_MILLISECOND;
      return { totalMs: milliseconds / images.length, strapiMs, delayMs };
    },
  };
}

/** Processor time of this process's main thread so far. Linux only: elsewhere, there is no way to tell it. */
async function threadMilliseconds(): Promise<number> {
  const schedule = await readFile(`/proc/self/task/${String(process.pid)}/schedstat`, 'utf8');
  return Number(schedule.split(' ')[0]) / NANOSECONDS_PER_MILLISECOND;
}

async function openBareModel(settings: Record<string, unknown>): Promise<EmbeddingProvider> {
  const silent = (): void => undefined;
  return openEmbeddingProvider(embeddingConfigSchema.parse(settings), {
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    projectFolder: process.cwd(),
    onProgress: silent,
  });
}

async function prepareAll(
  images: readonly BenchImage[],
  provider: EmbeddingProvider,
): Promise<PreparedImage[]> {
  const reader = createImageReader({ maxBytes: 1e8, maxPixels: 1e9, timeoutMs: 30_000 });
  const prepared: PreparedImage[] = [];
  for (const { bytes } of images) {
    prepared.push((await reader.read(bytes, { preparation: provider.imagePreparation })).prepared);
  }
  return prepared;
}

async function embedAll(
  images: readonly PreparedImage[],
  provider: EmbeddingProvider,
): Promise<void> {
  const { imagesPerCall } = provider.limits;
  for (let start = 0; start < images.length; start += imagesPerCall) {
    await provider.embedImages(images.slice(start, start + imagesPerCall));
  }
}
