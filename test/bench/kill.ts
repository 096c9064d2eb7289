import { spawnStrapi } from '../support/strapi-process';
import { loadImages, localModelConfig, withDataFolder } from './fixtures';
import { summarize, timed, type Measurement } from './measurement';

const IMAGES = 300;

/** kill -9 in the middle of indexing, restart: how many of 300 are indexed in the end, and how long that took. */
export async function benchKill(): Promise<Measurement[]> {
  const images = await loadImages(IMAGES);
  return withDataFolder(async (dataFolder) => {
    const imageSearch = { embedding: localModelConfig() };
    const settings = { dataFolder, imageSearch, hasExtras: true };
    const first = await spawnStrapi(settings);
    for (const { bytes, fileName } of images) await first.uploadThroughAdmin(bytes, fileName);
    await first.kill('SIGKILL');
    const second = await spawnStrapi(settings);
    try {
      const { result, milliseconds } = await timed(() =>
        second.waitUntilIndexed({ timeoutMs: 300_000 }),
      );
      return [
        summarize({
          name: 'indexed of 300 after kill -9 and restart',
          unit: 'images',
          values: [result.counts.indexed],
          bar: { kind: 'at least', value: images.length },
        }),
        summarize({
          name: 'time from restart to indexed',
          unit: 's',
          values: [milliseconds / 1_000],
          bar: { kind: 'at most', value: 120 },
        }),
      ];
    } finally {
      await second.kill('SIGTERM');
    }
  });
}
