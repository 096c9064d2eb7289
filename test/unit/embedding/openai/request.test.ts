import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import type { EmbeddingProvider, EmbeddingUsage } from '../../../../plugin/src/embedding/contract';
import type { EncodedImage } from '../../../../plugin/src/images/contract';
import { startJinaServer, type JinaServer } from '../../../support/jina-server';
import { openTestProvider, rejectionOf, testKey } from '../../../support/openai-provider';

let server: JinaServer;
let provider: EmbeddingProvider;
let image: EncodedImage;

beforeAll(async () => {
  server = await startJinaServer({ apiKey: testKey, model: 'jina-clip-v2', dimensions: 256 });
  provider = await openTestProvider({ baseURL: server.baseURL });
  image = await makeImage('crimson');
});

afterAll(async () => {
  await provider.dispose();
  await server.close();
});

async function makeImage(background: string): Promise<EncodedImage> {
  const [width, height] = [96, 64];
  const canvas = { width, height, channels: 3 as const, background };
  const data = await sharp({ create: canvas }).jpeg().toBuffer();
  return { kind: 'encoded', mimeType: 'image/jpeg', width, height, data };
}

/** What Node's fetch adds to every request. */
const headersOfFetch = new Set([
  'accept-encoding',
  'accept-language',
  'connection',
  'content-length',
  'host',
  'sec-fetch-mode',
]);

/** The request that `work` makes. */
async function requestOf(work: () => Promise<unknown>) {
  const number = server.requests.length;
  await work();
  const request = server.requests[number];
  if (request === undefined) throw new Error('No request was made.');
  return request;
}

describe('a request for texts', () => {
  it('is the one that the vendor documents', async () => {
    const request = await requestOf(() => provider.embedTexts(['a dog', '猫']));
    expect(request).toMatchObject({ method: 'POST', path: '/v1/embeddings' });
    expect(request.body).toEqual({
      model: 'jina-clip-v2',
      input: [{ text: 'a dog' }, { text: '猫' }],
      dimensions: 256,
      embedding_type: 'float',
      task: 'retrieval.query',
      truncate: true,
    });
  });

  it('has the required headers and no others', async () => {
    const { headers } = await requestOf(() => provider.embedTexts(['a dog']));
    const ours = Object.entries(headers).filter(([name]) => !headersOfFetch.has(name));
    expect(Object.fromEntries(ours)).toEqual({
      accept: 'application/json',
      authorization: 'Bearer <key>',
      'content-type': 'application/json',
      'user-agent': 'strapi-plugin-image-search',
    });
  });
});

describe('a request for images', () => {
  it('is the one that the vendor documents', async () => {
    const { body } = await requestOf(() => provider.embedImages([image]));
    expect(body).toEqual({
      model: 'jina-clip-v2',
      input: [{ image: Buffer.from(image.data).toString('base64') }],
      dimensions: 256,
      embedding_type: 'float',
    });
  });

  it('sends only the view of a larger buffer', async () => {
    const padded = new Uint8Array(image.data.length + 20).fill(255);
    padded.set(image.data, 10);
    const view = padded.subarray(10, 10 + image.data.length);
    const { body } = await requestOf(() => provider.embedImages([{ ...image, data: view }]));
    expect(body).toMatchObject({
      input: [{ image: Buffer.from(image.data).toString('base64') }],
    });
  });

  it('sends the passage task to models that have one', async () => {
    const other = await startJinaServer({
      apiKey: testKey,
      model: 'jina-embeddings-v4',
      dimensions: 256,
    });
    const v4 = await openTestProvider({ baseURL: other.baseURL, model: 'jina-embeddings-v4' });
    await v4.embedImages([image]);
    await v4.embedTexts(['a dog']);
    expect(other.requests.map(({ body }) => body)).toMatchObject([
      { task: 'retrieval.passage' },
      { task: 'retrieval.query' },
    ]);
    expect(v4.space.preprocessing).toContain('retrieval.passage');
    await v4.dispose();
    await other.close();
  });
});

describe('the response', () => {
  it('is sorted into input order by its indices', async () => {
    const texts = ['a dog', 'a banana', 'an umbrella'];
    const expected = await provider.embedTexts(texts);
    server.failNext({
      kind: 'answer',
      change: (answer) => ({ ...answer, data: [2, 0, 1].map((index) => answer.data[index]) }),
    });
    expect(await provider.embedTexts(texts)).toEqual(expected);
  });

  it('is normalized to unit length', async () => {
    server.failNext({
      kind: 'answer',
      change: (answer) => ({
        ...answer,
        data: answer.data.map((entry) => ({
          ...entry,
          embedding: entry.embedding.map((value) => value * 37),
        })),
      }),
    });
    const [vector] = await provider.embedTexts(['a dog']);
    expect(Math.hypot(...(vector ?? []))).toBeCloseTo(1, 6);
  });

  type Entry = { index: number; embedding: number[] };
  it.each<[string, (data: Entry[]) => unknown[]]>([
    ['has a vector too few', (data) => data.slice(1)],
    ['has a vector too many', (data) => [...data, { ...data[0], index: 2 }]],
    ['has an index twice', (data) => data.map((entry) => ({ ...entry, index: 0 }))],
    [
      'has an index out of range',
      (data) => data.map((entry) => ({ ...entry, index: entry.index + 1 })),
    ],
    ['has a negative index', (data) => data.map((entry) => ({ ...entry, index: -entry.index }))],
    ['has half a vector', (data) => data.map((e) => ({ ...e, embedding: e.embedding.slice(128) }))],
    ['has no values', (data) => data.map((e) => ({ ...e, embedding: [] }))],
    [
      'has a null',
      (data) => data.map((e) => ({ ...e, embedding: [null, ...e.embedding.slice(1)] })),
    ],
  ])('is rejected if it %s', async (_, change) => {
    server.failNext({
      kind: 'answer',
      change: (answer) => ({ ...answer, data: change(answer.data) }),
    });
    const error = await rejectionOf(provider.embedTexts(['a dog', 'a cat']));
    expect(error).toMatchObject({ code: 'provider-bad-answer', retryable: true });
  });

  it("of zeros for a text means that the model doesn't know it, not that the provider is down", async () => {
    server.failNext({
      kind: 'answer',
      change: (answer) => ({
        ...answer,
        data: answer.data.map((entry) => ({
          ...entry,
          embedding: entry.embedding.map((value) => (entry.index === 1 ? 0 : value)),
        })),
      }),
    });
    const error = await rejectionOf(provider.embedTexts(['a dog', '犬']));
    expect(error).toMatchObject({
      code: 'text-unknown',
      retryable: false,
      message: expect.stringContaining('"犬"'),
    });
    expect(await provider.checkHealth()).toMatchObject({ ok: true });
  });

  it('of another length than configured names the setting', async () => {
    server.failNext({
      kind: 'answer',
      change: ({ data }) => ({ data: data.map((entry) => ({ ...entry, embedding: [1, 2, 3] })) }),
    });
    const { message } = await rejectionOf(provider.embedTexts(['a dog']));
    expect(message).toContain('3 values instead of 256');
    expect(message).toContain('embedding.dimensions');
  });
});

describe('the usage', () => {
  it("is reported once per response, in the server's own figures", async () => {
    const used: EmbeddingUsage[] = [];
    const counted = await openTestProvider(
      { baseURL: server.baseURL },
      { onUsage: (usage) => used.push(usage) },
    );
    await counted.embedTexts(['a dog', 'a cat']);
    await counted.embedImages([image]);
    expect(used).toEqual([
      { images: 0, texts: 2, tokens: 2, cost: null },
      { images: 1, texts: 0, tokens: 1, cost: null },
    ]);
    server.failNext(
      { kind: 'status', status: 503 },
      { kind: 'answer', change: ({ data }) => ({ data, usage: { total_tokens: 7, cost: 0.5 } }) },
      { kind: 'answer', change: ({ data }) => ({ data }) },
    );
    await rejectionOf(counted.embedTexts(['a dog']));
    await counted.embedTexts(['a dog']);
    await counted.embedTexts(['a dog']);
    expect(used.slice(2)).toEqual([
      { images: 0, texts: 1, tokens: 7, cost: 0.5 },
      { images: 0, texts: 1, tokens: null, cost: null },
    ]);
    await counted.dispose();
  });
});

describe('the model in the response', () => {
  it('must be the requested one', async () => {
    server.failNext({ kind: 'answer', change: (answer) => ({ ...answer, model: 'jina-clip-v3' }) });
    const error = await rejectionOf(provider.embedTexts(['a dog']));
    expect(error).toMatchObject({ code: 'provider-model-changed', retryable: false });
    expect(error.message).toContain('embedding.model');
    await expect(provider.embedTexts(['a dog'])).resolves.toHaveLength(1);
  });
});

describe('inputs', () => {
  it("of pixels are the caller's mistake", async () => {
    const pixels = { kind: 'pixels' as const, width: 1, height: 1, data: new Uint8Array(3) };
    await expect(provider.embedImages([pixels])).rejects.toThrow(TypeError);
  });

  it("above the limits are the caller's mistake, reported with both numbers", async () => {
    const small = await openTestProvider({
      baseURL: server.baseURL,
      batchSize: 2,
      textBatchSize: 3,
    });
    await expect(small.embedImages([image, image, image])).rejects.toThrow(
      new RangeError('Expected at most 2 images in one call, got 3.'),
    );
    await expect(small.embedTexts(['a', 'b', 'c', 'd'])).rejects.toThrow(
      new RangeError('Expected at most 3 texts in one call, got 4.'),
    );
    expect(small.limits).toMatchObject({ imagesPerCall: 2, textsPerCall: 3 });
  });
});

describe('the base URL', () => {
  it.each(['', '/', '//'])('can end in "%s"', async (end) => {
    const other = await openTestProvider({ baseURL: `${server.baseURL}${end}` });
    const { path } = await requestOf(() => other.embedTexts(['a dog']));
    expect(path).toBe('/v1/embeddings');
  });

  it.each([
    ['', '/embeddings'],
    ['/', '/embeddings'],
    ['/deep/path', '/deep/path/embeddings'],
  ])('can have the path "%s"', async (path, expected) => {
    const other = await openTestProvider({ baseURL: new URL(server.baseURL).origin + path });
    const number = server.requests.length;
    const error = await rejectionOf(other.embedTexts(['a dog']));
    expect(server.requests[number]?.path).toBe(expected);
    expect(error.code).toBe('provider-model-missing');
  });
});

describe('the environment', () => {
  const variables = {
    OPENAI_API_KEY: 'key-of-the-environment',
    OPENAI_ADMIN_KEY: 'admin-key-of-the-environment',
    OPENAI_BASE_URL: 'http://127.0.0.1:1/elsewhere',
    OPENAI_ORG_ID: 'organization-of-the-environment',
    OPENAI_PROJECT_ID: 'project-of-the-environment',
    OPENAI_WEBHOOK_SECRET: 'secret-of-the-environment',
    OPENAI_CUSTOM_HEADERS: 'x-custom: of-the-environment\nauthorization: Bearer of-the-environment',
    OPENAI_LOG: 'debug',
  };
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);

  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  it('affects neither the request nor what is printed', async () => {
    const plain = await requestOf(() => provider.embedTexts(['a dog']));
    Object.assign(process.env, variables);
    const prints = (['debug', 'info', 'warn', 'error', 'log'] as const).map((method) =>
      jest.spyOn(console, method).mockImplementation(() => undefined),
    );
    const other = await openTestProvider({ baseURL: server.baseURL });
    const request = await requestOf(() => other.embedTexts(['a dog']));
    const printed = prints.flatMap((print) => print.mock.calls);
    for (const print of prints) print.mockRestore();

    expect({ ...request, closed: null }).toEqual({ ...plain, closed: null });
    expect(JSON.stringify(request)).not.toContain('of-the-environment');
    expect(printed).toEqual([]);
  });
});
