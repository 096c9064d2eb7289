import { expect, it } from '@jest/globals';
import { openTestProvider } from '../../../support/openai-provider';

const baseURL = 'http://127.0.0.1:1/v1';

async function openSpace(settings: object = {}) {
  const provider = await openTestProvider({ baseURL, ...settings });
  await provider.dispose();
  return provider.space;
}

it('names everything that the vectors depend on', async () => {
  expect(await openSpace()).toMatchObject({
    provider: 'openai',
    model: 'jina-clip-v2',
    dimensions: 256,
    preprocessing:
      'jina: texts retrieval.query, pictures without task; image/jpeg of at most 512 px',
  });
});

it.each([
  { model: 'jina-embeddings-v4' },
  { dimensions: 128 },
  { maxEdge: 448 },
  { imageFormat: 'infinity' },
])('is different with %j', async (settings) => {
  expect((await openSpace(settings)).id).not.toBe((await openSpace()).id);
});

it.each([
  { baseURL: 'https://proxy.example/jina' },
  { apiKey: 'another' },
  { batchSize: 3, textBatchSize: 4 },
  { requestsPerMinute: 7 },
  { timeoutSeconds: 9 },
  { tokensPerMinute: 2_000 },
  { sendDimensions: false },
])('is the same with %j', async (settings) => {
  expect(await openSpace(settings)).toEqual(await openSpace());
});

it.each([
  {
    imageFormat: 'infinity',
    preprocessing: 'infinity: texts and pictures without modes; image/jpeg of at most 512 px',
  },
  {
    imageFormat: 'vllm',
    preprocessing:
      'vllm: texts and images as chat messages; image/jpeg of at most 512 px and at least 28 px',
  },
] as const)('of $imageFormat is unchanged from existing indexes', async (example) => {
  const { imageFormat, preprocessing } = example;
  expect((await openSpace({ imageFormat })).preprocessing).toBe(preprocessing);
});

it('contains no part of the key', async () => {
  expect(JSON.stringify(await openSpace({ apiKey: 'mysecret' }))).not.toContain('mysecret');
});

it('requests images as they are sent', async () => {
  const provider = await openTestProvider({ baseURL, maxEdge: 448 });
  expect(provider.imagePreparation).toEqual({
    kind: 'encoded',
    mimeType: 'image/jpeg',
    maxEdge: 448,
    minEdge: 1,
    maxBytes: 8_000_000,
  });
  expect(provider.limits).toMatchObject({
    imagesPerCall: 8,
    textsPerCall: 32,
    concurrentCalls: 4,
  });
  await provider.dispose();
});
