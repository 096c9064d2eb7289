import { spawnStrapi } from '../support/strapi-process';
import { loadPictures, localModelConfig, withDataFolder } from './fixtures';
import { summarize, timed, type Measurement } from './measurement';

const PICTURES = 300;

/** kill -9 in the middle of indexing, restart: how many of 300 are indexed in the end, and how long that took. */
export async function benchKill(): Promise<Measurement[]> {
  const pictures = await loadPictures(PICTURES);
  return withDataFolder(async (dataFolder) => {
    const settings = { dataFolder, imageSearch: { embedding: localModelConfig() } };
    const first = await spawnStrapi(settings);
    for (const { bytes, fileName } of pictures) await first.uploadThroughAdmin(bytes, fileName);
    await first.kill('SIGKILL');
    const second = await spawnStrapi(settings);
    try {
      const { result, milliseconds } = await timed(() =>
        second.waitUntilIndexed({ timeoutMs: 300_000 }),
      );
      return [
        summarize({
          name: 'indexed of 300 after kill -9 and restart',
          unit: 'pictures',
          values: [result.counts.indexed],
          bar: { kind: 'at least', value: pictures.length },
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
