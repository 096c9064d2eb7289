import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EmbeddingProvider, EmbeddingUsage } from '../../../../plugin/src/embedding/contract';
import type { EncodedImage } from '../../../../plugin/src/images/contract';
import type { EmbeddingServer, Fault } from '../../../support/embedding-server';
import { openVendor, startVendorServer, vendorConfig } from '../../../support/hosted-provider';
import { rejectionOf, testKey } from '../../../support/openai-provider';
import { vendors } from '../../../support/vendors';
import { plain, reader } from '../../images/images';

const status = (code: number, body: object = {}, headers: Record<string, string> = {}): Fault => ({
  kind: 'status',
  status: code,
  body,
  headers,
});

describe.each(vendors)('$name', (vendor) => {
  const refusedText = 'no text for this model';
  const used: EmbeddingUsage[] = [];
  let server: EmbeddingServer;
  let provider: EmbeddingProvider;

  beforeAll(async () => {
    server = await startVendorServer(vendor, { refusedText });
    provider = await openVendor(vendorConfig(vendor, { baseURL: server.baseURL }), {
      onUsage: (usage) => used.push(usage),
    });
  });
  afterAll(async () => {
    await provider.dispose();
    await server.close();
  });

  const failWith = (fault: Fault) => {
    server.failNext(fault);
    return rejectionOf(provider.embedTexts(['a dog']));
  };

  async function prepare(width: number, height: number): Promise<EncodedImage> {
    const bytes = await plain(width, height, [200, 30, 40]).png().toBuffer();
    const { prepared } = await reader.read(bytes, { preparation: provider.imagePreparation });
    if (prepared.kind !== 'encoded') throw new Error('Expected an encoded image.');
    return prepared;
  }

  it('accepts the smallest and the longest images as preprocessed for it', async () => {
    for (const size of [1, 2_000]) {
      const image = await prepare(size, 1);
      await expect(provider.embedImages([image])).resolves.toHaveLength(1);
    }
  });

  it("blames the image, never the settings, if the vendor can't read it", async () => {
    const broken = { ...(await prepare(60, 60)), data: Buffer.from('no image') };
    const error = await rejectionOf(provider.embedImages([broken]));
    expect(error).toMatchObject({ code: 'provider-rejected-input', retryable: false });
    expect(error.message).toContain(new URL(server.baseURL).host);
    expect(error.message).not.toContain(broken.data.toString('base64'));
  });

  it('blames the text if the vendor rejects it', async () => {
    const error = await rejectionOf(provider.embedTexts([refusedText]));
    expect(error).toMatchObject({ code: 'provider-rejected-input', retryable: false });
  });

  it("recognizes a wrong key by the vendor's own response, and names the setting but not the key", async () => {
    const wrongKey = 'WRONG_0123456789abcdef01234567';
    const config = vendorConfig(vendor, { baseURL: server.baseURL, apiKey: wrongKey });
    const other = await openVendor(config);
    const error = await rejectionOf(other.embedTexts(['a dog']));
    expect(error).toMatchObject({ code: 'provider-unauthorized', retryable: false });
    expect(error.message).toContain('embedding.apiKey');
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(wrongKey);
    expect(inspect(other, { depth: 10, showHidden: true })).not.toContain(wrongKey);
    await other.dispose();
  });

  it.each([
    [401, 'provider-unauthorized', false],
    [402, 'provider-unauthorized', false],
    [403, 'provider-unauthorized', false],
    [302, 'provider-model-missing', false],
    [404, 'provider-model-missing', false],
    [400, 'provider-rejected-input', false],
    [413, 'provider-rejected-input', false],
    [415, 'provider-rejected-input', false],
    [408, 'provider-unavailable', true],
    [409, 'provider-unavailable', true],
    [425, 'provider-unavailable', true],
    [429, 'provider-unavailable', true],
    [500, 'provider-unavailable', true],
    [503, 'provider-unavailable', true],
  ])('maps %i to %s, retryable: %s, with one request', async (code, expected, retryable) => {
    const before = server.requests.length;
    const error = await failWith(status(code, {}, { location: 'http://127.0.0.1:1/elsewhere' }));
    expect(error).toMatchObject({ code: expected, retryable });
    expect(server.requests).toHaveLength(before + 1);
  });

  it('waits as long as the server requests', async () => {
    const error = await failWith(status(429, {}, { 'retry-after': '7' }));
    expect(error.retryAfterMs).toBe(7_000);
  });

  it.each<[string, Fault]>([
    ['HTML', { kind: 'body', contentType: 'text/html', body: '<html>Log in</html>' }],
    ['nothing', { kind: 'body', contentType: 'application/json', body: '' }],
    ['null', { kind: 'body', contentType: 'application/json', body: 'null' }],
    ['no vectors', { kind: 'body', contentType: 'application/json', body: '{"data":[]}' }],
  ])('rejects a response that is %s', async (_, fault) => {
    const error = await failWith(fault);
    expect(error).toMatchObject({ code: 'provider-bad-answer', retryable: true });
    expect(error.message).not.toContain('Log in');
  });

  it.each<Fault['kind']>(['reset', 'reset-in-body'])(
    'treats a connection that ends (%s) as an outage',
    async (kind) => {
      const error = await failWith({ kind } as Fault);
      expect(error).toMatchObject({ code: 'provider-unavailable', retryable: true });
      expect(error.message).toContain('embedding.baseURL');
    },
  );

  it.each<Fault['kind']>(['hang', 'hang-in-body'])(
    "times out when a server doesn't finish (%s)",
    async (kind) => {
      const config = { ...vendorConfig(vendor, { baseURL: server.baseURL }), timeoutSeconds: 0.2 };
      const hasty = await openVendor(config);
      server.failNext({ kind } as Fault);
      const error = await rejectionOf(hasty.embedTexts(['a dog']));
      expect(error).toMatchObject({ code: 'provider-unavailable', retryable: true });
      expect(error.message).toContain('embedding.timeoutSeconds');
      await hasty.dispose();
    },
  );

  it('reports the usage of every response', async () => {
    used.length = 0;
    await provider.embedTexts(['a dog']);
    await provider.embedImages([await prepare(60, 60)]);
    expect(used).toMatchObject([
      { images: 0, texts: 1 },
      { images: 1, texts: 0 },
    ]);
    const isCounted = vendor.name !== 'azure';
    expect(used.map(({ tokens }) => (tokens ?? 0) > 0)).toEqual([isCounted, isCounted]);
    const isPriced = vendor.name.endsWith('openrouter');
    expect(used.map(({ cost }) => (cost ?? 0) > 0)).toEqual([isPriced, isPriced]);
  });

  it('sends its key only in the intended header, and nothing about the machine', async () => {
    const before = server.requests.length;
    await provider.embedTexts(['a dog']);
    await provider.embedImages([await prepare(60, 60)]);
    for (const { body, headers, path } of server.requests.slice(before)) {
      const { name, prefix } = vendor.double.keyHeader;
      expect(headers).toMatchObject({
        [name]: `${prefix}<key>`,
        'user-agent': 'strapi-plugin-image-search',
      });
      expect(JSON.stringify([headers, path, body])).not.toContain(testKey);
      expect(
        Object.keys(headers).filter((header) => /^x-(?!goog-api-key)|cookie|referer/.test(header)),
      ).toEqual([]);
    }
  });

  it('requests images within the limits of the vendor', () => {
    const { imagePreparation, limits } = provider;
    if (imagePreparation.kind !== 'encoded') throw new Error('Expected an encoded preparation.');
    expect(imagePreparation.maxEdge ** 2).toBeLessThanOrEqual(limits.pixelsPerImage);
    expect(imagePreparation.maxBytes).toBe(limits.bytesPerImage);
  });
});

describe('a different model than configured', () => {
  it.each([
    [
      'azure',
      'embedding.modelVersion',
      { modelVersion: '2022-04-11', vector: Array(1_024).fill(1) },
    ],
    [
      'voyage',
      'embedding.model',
      { model: 'voyage-multimodal-4', data: [{ index: 0, embedding: Array(256).fill(1) }] },
    ],
    [
      'gemini',
      'embedding.model',
      { modelVersion: 'gemini-embedding-3', embeddings: [{ values: Array(256).fill(1) }] },
    ],
    [
      'openai, format vllm',
      'embedding.model',
      { model: 'Qwen/Qwen3-VL-Embedding-8B', data: [{ index: 0, embedding: Array(256).fill(1) }] },
    ],
  ])('is rejected from %s, with the setting %s', async (name, setting, body) => {
    const vendor = vendors.find((candidate) => candidate.name === name);
    if (!vendor) throw new Error(`No vendor ${name}.`);
    const server = await startVendorServer(vendor);
    const provider = await openVendor(vendorConfig(vendor, { baseURL: server.baseURL }));
    server.failNext({ kind: 'body', contentType: 'application/json', body: JSON.stringify(body) });
    const error = await rejectionOf(provider.embedTexts(['a dog']));
    expect(error).toMatchObject({ code: 'provider-model-changed', retryable: false });
    expect(error.message).toContain(setting);
    await provider.dispose();
    await server.close();
  });
});

describe('vendor-specific errors', () => {
  it.each<[string, Fault, object]>([
    [
      'gemini',
      status(429, {
        error: {
          code: 429,
          status: 'RESOURCE_EXHAUSTED',
          message: 'Quota exceeded',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '23.5s' }],
        },
      }),
      { code: 'provider-unavailable', retryAfterMs: 23_500 },
    ],
    [
      'gemini',
      status(400, {
        error: {
          code: 400,
          status: 'INVALID_ARGUMENT',
          message: 'Bad',
          details: [{ fieldViolations: [{ field: 'requests[0].output_dimensionality' }] }],
        },
      }),
      { code: 'provider-model-missing', retryable: false },
    ],
    [
      'voyage',
      status(400, { detail: 'Model voyage-x is not supported. Supported models are [...].' }),
      { code: 'provider-model-missing', retryable: false },
    ],
    [
      'cohere',
      status(400, { id: 'e', message: "invalid request: model 'embed-x' not found" }),
      { code: 'provider-model-missing', retryable: false },
    ],
    [
      'cohere',
      status(402, { id: 'e', message: 'Please add or update your payment method' }),
      { code: 'provider-unauthorized', retryable: false },
    ],
    [
      'openai, format infinity',
      status(400, { error: { message: 'Invalid model: x', type: null, param: null, code: 400 } }),
      { code: 'provider-model-missing', retryable: false },
    ],
    [
      'openai, format vllm',
      status(400, {
        error: {
          message: 'Model "x" does not support matryoshka representation',
          type: 'BadRequestError',
          param: 'dimensions',
          code: 400,
        },
      }),
      { code: 'provider-model-missing', retryable: false },
    ],
    [
      'azure',
      status(403, { error: { code: '403', message: 'Out of call volume quota.' } }),
      { code: 'provider-unauthorized', retryable: false },
    ],
  ])('of %s are understood', async (name, fault, expected) => {
    const vendor = vendors.find((candidate) => candidate.name === name);
    if (!vendor) throw new Error(`No vendor ${name}.`);
    const server = await startVendorServer(vendor);
    const provider = await openVendor(vendorConfig(vendor, { baseURL: server.baseURL }));
    server.failNext(fault);
    expect(await rejectionOf(provider.embedTexts(['a dog']))).toMatchObject(expected);
    await provider.dispose();
    await server.close();
  });
});

it('a batch of the largest images stays within the tokens that Voyage accepts per request', async () => {
  const vendor = vendors.find(({ name }) => name === 'voyage');
  if (!vendor) throw new Error('No vendor voyage.');
  const settings = { maxEdge: 4_000, batchSize: 128 };
  const { limits } = await openVendor(vendorConfig(vendor, settings));
  expect(limits.tokensPerImage).toBe(28_572);
  expect(limits.imagesPerCall).toBe(11);
});
