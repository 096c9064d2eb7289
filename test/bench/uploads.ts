import { spawnStrapi, type StrapiProcess } from '../support/strapi-process';
import { loadImages, localModelConfig, withDataFolder } from './fixtures';
import { quantile, summarize, timed, type Measurement } from './measurement';

const UPLOADS = 60;
const ROUNDS = 5;

/** What an upload waits longer with the plugin on: the same images to two servers in turn, indexing going on. */
export async function benchUploads(): Promise<Measurement[]> {
  const images = await loadImages(UPLOADS);
  return withDataFolder((withPlugin) =>
    withDataFolder(async (without) => {
      const on = await spawnStrapi({
        dataFolder: withPlugin,
        imageSearch: { embedding: localModelConfig() },
        hasExtras: true,
      });
      const off = await spawnStrapi({ dataFolder: without, isPluginEnabled: false });
      try {
        const values: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
          values.push(await measureRound(on, off, images));
          await on.waitUntilIndexed({ timeoutMs: 120_000 });
        }
        return [
          summarize({
            name: 'upload, plugin on − off, p50',
            unit: 'ms',
            values,
            bar: { kind: 'at most', value: 5 },
          }),
        ];
      } finally {
        await Promise.all([on.kill('SIGTERM'), off.kill('SIGTERM')]);
      }
    }),
  );
}

async function measureRound(
  on: StrapiProcess,
  off: StrapiProcess,
  images: Awaited<ReturnType<typeof loadImages>>,
): Promise<number> {
  const differences: number[] = [];
  for (const { bytes, fileName } of images) {
    const withPlugin = await timed(() => on.uploadThroughAdmin(bytes, fileName));
    const without = await timed(() => off.uploadThroughAdmin(bytes, fileName));
    differences.push(withPlugin.milliseconds - without.milliseconds);
  }
  return quantile(differences, 0.5);
}
