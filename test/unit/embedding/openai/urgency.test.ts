import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { PreparedImage } from '../../../../plugin/src/images/contract';
import { createFakeClock } from '../../../support/fake-clock';
import { startJinaServer, type JinaServer } from '../../../support/jina-server';
import { createTimedProvider, testKey } from '../../../support/openai-provider';
import { plain, reader } from '../../images/images';

const REQUESTS_PER_MINUTE = 3;

let server: JinaServer;

beforeAll(async () => {
  server = await startJinaServer({ apiKey: testKey, model: 'jina-clip-v2', dimensions: 256 });
});

afterAll(() => server.close());

/** A provider with Jina's default quota unless settings say otherwise, and an image of this edge. */
async function openWith(settings: object, edge: number) {
  const clock = createFakeClock();
  const provider = createTimedProvider(clock, { baseURL: server.baseURL, ...settings });
  const bytes = await plain(edge, edge, [200, 30, 40]).png().toBuffer();
  const { prepared } = await reader.read(bytes, { preparation: provider.imagePreparation });
  return { clock, prepared, provider };
}

it('an image in a search has priority over images being indexed', async () => {
  const { clock, prepared, provider } = await openWith(
    { requestsPerMinute: REQUESTS_PER_MINUTE },
    40,
  );
  const sentBefore = server.imageRequests();
  const settled: string[] = [];
  const embed = async (name: string, isUrgent: boolean): Promise<void> => {
    const images: PreparedImage[] = [prepared];
    await provider.embedImages(images, { isUrgent });
    settled.push(name);
  };

  // The last request of the minute is reserved for searches.
  await embed('indexed 1', false);
  await embed('indexed 2', false);
  const waiting = embed('indexed 3', false);
  await clock.advance(1_000);
  expect(server.imageRequests() - sentBefore).toBe(REQUESTS_PER_MINUTE - 1);
  await embed('searched', true);
  expect(settled).toEqual(['indexed 1', 'indexed 2', 'searched']);

  await clock.advance(60_000);
  await waiting;
  expect(settled.at(-1)).toBe('indexed 3');
  await provider.dispose();
});

it('searches get through between batches of large images with the quota of a free key', async () => {
  const { clock, prepared, provider } = await openWith({ maxEdge: 1_024 }, 1_024);
  const { imagesPerCall, tokensPerImage } = provider.limits;
  expect({ imagesPerCall, tokensPerImage }).toEqual({ imagesPerCall: 5, tokensPerImage: 16_000 });

  // The double bills by rules of its own; what is expected stays in force until a request is answered.
  const release = server.holdImages(0);
  const batch = Array.from({ length: imagesPerCall }, () => prepared);
  const first = provider.embedImages(batch);
  const second = provider.embedImages(batch);
  await clock.advance(1);
  for (let search = 0; search < 20; search += 1) {
    await expect(provider.embedTexts(['a red dog on a beach'])).resolves.toHaveLength(1);
    await clock.advance(1_000);
  }
  release();
  await first;
  await clock.advance(60_000);
  await second;
  await provider.dispose();
});

it('an image larger than the quota per minute leaves searches their share', async () => {
  const { clock, prepared, provider } = await openWith({ maxEdge: 4_096 }, 4_096);
  expect(provider.limits).toMatchObject({ imagesPerCall: 1, tokensPerImage: 256_000 });

  const release = server.holdImages(0);
  const image = provider.embedImages([prepared]);
  await clock.advance(1);
  await expect(provider.embedTexts(['a red dog on a beach'])).resolves.toHaveLength(1);
  release();
  await image;
  await provider.dispose();
});
