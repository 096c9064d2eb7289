import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { EmbeddingProvider } from '../../plugin/src/embedding/contract';
import { embeddingConfigSchema, openEmbeddingProvider } from '../../plugin/src/embedding/registry';
import type { PreparedImage } from '../../plugin/src/images/contract';
import { createImageReader } from '../../plugin/src/images/image-reader';
import { imageSearchOf } from '../../server/src/composition';
import { startStrapi, type StrapiApp } from '../support/strapi-app';
import { loadImages, localModelConfig, type BenchImage } from './fixtures';
import { summarize, timed, type Measurement } from './measurement';

const IMAGES = 300;
const ROUNDS = 5;
const POLL_MS = 20;
const NANOSECONDS_PER_MILLISECOND = 1e6;

/**
 * Indexing a library that is there already, end to end (read, decode, embed, store, fingerprint), against the bare
 * model on the same images in the same batches, in turn; and how long the event loop was kept waiting meanwhile.
 */
export async function benchIndexing(): Promise<Measurement[]> {
  const images = await loadImages(IMAGES);
  const app = await startStrapi({ imageSearch: { embedding: localModelConfig() } });
  const provider = await openBareModel();
  try {
    for (const { bytes, fileName } of images) await app.uploadThroughAdmin(bytes, fileName);
    await app.waitUntilIndexed({ timeoutMs: 300_000 });
    const prepared = await prepareAll(images, provider);
    await embedAll(prepared.slice(0, provider.limits.imagesPerCall), provider);
    const ratios: number[] = [];
    const perImage: number[] = [];
    const delays: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const bare = await timed(() => embedAll(prepared, provider));
      const { milliseconds, delayMs } = await measureReindex(app, images.length);
      ratios.push(bare.milliseconds / milliseconds);
      perImage.push(milliseconds / images.length);
      delays.push(delayMs);
    }
    return [
      summarize({
        name: 'indexing throughput, of the bare model',
        unit: 'ratio',
        values: ratios,
        bar: { kind: 'at least', value: 0.95 },
      }),
      summarize({
        name: 'indexing, end to end, per image',
        unit: 'ms',
        values: perImage,
        bar: { kind: 'at most', value: 60 },
      }),
      summarize({
        name: 'event-loop delay while indexing, p99',
        unit: 'ms',
        values: delays,
        bar: { kind: 'at most', value: 25 },
      }),
    ];
  } finally {
    await provider.dispose();
    await app.stop();
  }
}

async function openBareModel(): Promise<EmbeddingProvider> {
  const silent = (): void => undefined;
  return openEmbeddingProvider(embeddingConfigSchema.parse(localModelConfig()), {
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

async function measureReindex(
  app: StrapiApp,
  expected: number,
): Promise<{ milliseconds: number; delayMs: number }> {
  const imageSearch = imageSearchOf(app.strapi);
  const eventLoop = monitorEventLoopDelay({ resolution: 5 });
  eventLoop.enable();
  const { milliseconds } = await timed(async () => {
    await imageSearch.index.reindex('all');
    const entries = await imageSearch.index.entriesOf();
    while ((await entries.counts()).indexed < expected) await wait(POLL_MS);
  });
  eventLoop.disable();
  return { milliseconds, delayMs: eventLoop.percentile(99) / NANOSECONDS_PER_MILLISECOND };
}
