import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { HostedProvider } from '../../../../plugin/src/embedding/http/hosted-provider';
import { openaiProvider } from '../../../../plugin/src/embedding/openai';
import { createOpenaiApi } from '../../../../plugin/src/embedding/openai/api';
import type { PreparedImage } from '../../../../plugin/src/images/contract';
import { createFakeClock } from '../../../support/fake-clock';
import { startJinaServer, type JinaServer } from '../../../support/jina-server';
import { testKey } from '../../../support/openai-provider';
import { plain, reader } from '../../images/pictures';

const REQUESTS_PER_MINUTE = 3;

let server: JinaServer;

beforeAll(async () => {
  server = await startJinaServer({ apiKey: testKey, model: 'jina-clip-v2', dimensions: 256 });
});

afterAll(() => server.close());

it('a picture that somebody searches with goes ahead of pictures that are indexed', async () => {
  const clock = createFakeClock();
  const config = openaiProvider.configSchema.parse({
    provider: 'openai',
    baseURL: server.baseURL,
    apiKey: testKey,
    model: 'jina-clip-v2',
    dimensions: 256,
    requestsPerMinute: REQUESTS_PER_MINUTE,
  });
  const provider = new HostedProvider(createOpenaiApi(config), { clock });
  const bytes = await plain(40, 40, [200, 30, 40]).png().toBuffer();
  const { prepared } = await reader.read(bytes, { preparation: provider.imagePreparation });
  const settled: string[] = [];
  const embed = async (name: string, isUrgent: boolean): Promise<void> => {
    const pictures: PreparedImage[] = [prepared];
    await provider.embedImages(pictures, { isUrgent });
    settled.push(name);
  };

  // The last request of the minute is left to searches.
  await embed('indexed 1', false);
  await embed('indexed 2', false);
  const waiting = embed('indexed 3', false);
  await clock.advance(1_000);
  expect(server.pictureRequests()).toBe(REQUESTS_PER_MINUTE - 1);
  await embed('searched', true);
  expect(settled).toEqual(['indexed 1', 'indexed 2', 'searched']);

  await clock.advance(60_000);
  await waiting;
  expect(settled.at(-1)).toBe('indexed 3');
  await provider.dispose();
});
