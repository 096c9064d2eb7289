import { describe, expect, it } from '@jest/globals';
import { configSchema, parseConfig } from '../../plugin/src/config';
import { identityOf } from '../../plugin/src/embedding/registry';
import { ImageSearchError } from '../../plugin/src/errors';

function complaint(input: unknown): string {
  try {
    parseConfig(input);
  } catch (error) {
    if (error instanceof ImageSearchError && error.code === 'config-invalid') return error.message;
    throw error;
  }
  throw new Error('The configuration was taken.');
}

/** One line per error, without the headline. */
function faults(input: unknown): string[] {
  const [headline, ...lines] = complaint(input).split('\n');
  expect(headline).toBe('The configuration of image-search (config/plugins) is invalid:');
  return lines;
}

const openai = {
  provider: 'openai',
  baseURL: 'https://api.jina.ai/v1',
  apiKey: 'jina_key',
  model: 'jina-clip-v2',
};

describe('the defaults', () => {
  it.each([[undefined], [null], [{}], [{ embedding: {}, vectors: {}, indexing: {}, search: {} }]])(
    'apply to %j',
    (input) => {
      const config = parseConfig(input);
      expect(config).toMatchObject({
        embedding: { provider: 'clip', model: 'Xenova/clip-vit-base-patch32' },
        vectors: { store: 'embedded', path: '.data/image-search.sqlite', prefilterFrom: 1_000 },
      });
      expect(config.indexing).toEqual({
        enabled: true,
        concurrency: 2,
        leaseSeconds: 60,
        maxAttempts: 8,
        firstRetrySeconds: 5,
        longestRetrySeconds: 3_600,
        reconcileMinutes: 60,
        maxBytes: 50_000_000,
        maxPixels: 268_402_689,
        readTimeoutSeconds: 60,
        decodeTimeoutSeconds: 30,
        ffmpeg: 'ffmpeg',
        maxVideoBytes: 5_000_000_000,
        previewMegabytes: 200,
        views: {},
        allowedHosts: [],
      });
      expect(config.search).toEqual({
        calibrate: true,
        cacheSeconds: 0,
        maxTextLength: 1_000,
        maxImageBytes: 20_000_000,
        maxPixels: 50_000_000,
        urls: { enabled: false, timeoutSeconds: 8, concurrency: 4, allowedHosts: [] },
        decodeTimeoutSeconds: 10,
        requestsPerMinute: 120,
        queryCacheEntries: 1_000,
        queryCacheMinutes: 60,
      });
    },
  );

  it('are the local model and the local store', () => {
    const config = parseConfig({
      embedding: { model: 'Xenova/clip-vit-base-patch16' },
      vectors: { path: 'elsewhere.sqlite' },
    });
    expect(config.embedding).toMatchObject({
      provider: 'clip',
      model: 'Xenova/clip-vit-base-patch16',
    });
    expect(config.vectors).toMatchObject({ store: 'embedded', path: 'elsewhere.sqlite' });
  });

  it('apply to the rest of a partial section', () => {
    const config = parseConfig({ indexing: { concurrency: 4 }, search: { requestsPerMinute: 0 } });
    expect(config.indexing).toMatchObject({ concurrency: 4, leaseSeconds: 60 });
    expect(config.search).toMatchObject({ requestsPerMinute: 0, queryCacheEntries: 1_000 });
  });

  it("aren't merged into lists", () => {
    const hosts = ['storage.internal', '10.0.0.7'];
    expect(parseConfig({ indexing: { allowedHosts: hosts } }).indexing.allowedHosts).toEqual(hosts);
  });
});

describe('a configuration that is not valid', () => {
  it('lists every error at once', () => {
    const lines = faults({
      embedding: { ...openai, dimensions: 1 },
      indexing: { concurrency: 0, allowedHosts: 'localhost', leaseSeconds: 1.5 },
      search: { maxTextLength: 'many', cache: true },
      vector: {},
    });
    expect(lines.map((line) => line.trim().split(/[ :]/)[1]).sort()).toEqual([
      'config',
      'embedding.dimensions',
      'indexing.allowedHosts',
      'indexing.concurrency',
      'indexing.leaseSeconds',
      'search',
      'search.maxTextLength',
    ]);
  });

  it.each([
    [{ indexing: { concurrency: 0 } }, ['indexing.concurrency', '>=1', 'given: 0']],
    [{ indexing: { concurrency: 33 } }, ['indexing.concurrency', '<=32', 'given: 33']],
    [{ search: { maxTextLength: 'many' } }, ['search.maxTextLength', 'number', "given: 'many'"]],
    [{ indexing: { enabled: 'yes' } }, ['indexing.enabled', 'boolean', "given: 'yes'"]],
    [{ search: { closeScore: 1.1 } }, ['search.closeScore', 'given: 1.1']],
    [{ search: { closeScore: '0.3' } }, ['search.closeScore', "given: '0.3'"]],
    [{ indexing: { allowedHosts: [''] } }, ['indexing.allowedHosts.0', "given: ''"]],
    [{ indexing: { allowedHosts: ['a', 7] } }, ['indexing.allowedHosts.1', 'given: 7']],
    [{ search: ['x', 'y'] }, ['search', 'object', 'given: a list of 2']],
    [{ vectors: { store: 'chroma' } }, ['vectors.store', 'embedded', "given: 'chroma'"]],
    [{ vectors: { path: { a: 1 } } }, ['vectors.path', 'string', 'given: an object with a']],
    [{ embedding: { provider: 'none' } }, ['embedding.provider', 'clip', 'openai', "'none'"]],
    [{ embedding: { provider: 'openai' } }, ['embedding.baseURL', 'embedding.apiKey', 'nothing']],
    [{ embedding: 'clip' }, ['embedding', 'object', "given: 'clip'"]],
    ['everything', ['config', 'object', "given: 'everything'"]],
    [[], ['config', 'object', 'given: a list of 0']],
  ])('%j reports the key, the allowed values and the given value', (input, parts) => {
    const message = complaint(input);
    for (const part of parts) expect(message).toContain(part);
  });

  it.each([
    [{ indexer: {} }, ['config has no setting "indexer"', 'indexing', 'search', 'vectors']],
    [{ indexing: { batch: 1, b: 2 } }, ['indexing has no setting "batch", "b"', 'maxAttempts']],
    [{ vectors: { store: 'embedded', url: 'x' } }, ['vectors has no setting "url"', 'path']],
    [{ vectors: { url: 'x' } }, ['vectors has no setting "url"', 'path']],
    [{ embedding: { ...openai, retries: 1 } }, ['embedding', '"retries"', 'timeoutSeconds']],
    [{ embedding: { modell: 'x' } }, ['embedding', '"modell"', 'model']],
  ])('%j reports the available settings', (input, parts) => {
    const message = complaint(input);
    for (const part of parts) expect(message).toContain(part);
  });

  it('shows no secret', () => {
    const secret = 'jina_0123 456789';
    for (const apiKey of [secret, { secret }, [secret]]) {
      const message = complaint({ embedding: { ...openai, apiKey }, indexing: { enabled: 1 } });
      expect(message).toContain('embedding.apiKey');
      expect(message).not.toMatch(/jina_0123|456789/);
    }
    const misspelt = complaint({ embedding: { ...openai, apikey: secret } });
    expect(misspelt).toContain('"apikey"');
    expect(misspelt).not.toMatch(/jina_0123|456789/);
  });

  it('shows no password from a URL', () => {
    const message = complaint({
      embedding: { ...openai, baseURL: 'https://user:hunter2@api.jina.ai/v1?key=hunter3' },
    });
    expect(message).toContain('embedding.baseURL');
    expect(message).not.toMatch(/hunter/);
  });

  it('cuts long values to one line', () => {
    const message = complaint({ search: { maxTextLength: 'x'.repeat(10_000) } });
    expect(message.length).toBeLessThan(400);
  });
});

describe('the schema', () => {
  const search = configSchema.shape.search.unwrap();
  it.each([
    ['indexing', configSchema.shape.indexing.unwrap()],
    ['search', search],
    ['search.urls', search.shape.urls.unwrap()],
  ])('describes every setting of %s', (_name, { shape }) => {
    const settings = Object.entries(shape as Record<string, { meta(): unknown }>);
    expect(settings.length).toBeGreaterThan(3);
    for (const [, schema] of settings) {
      expect(schema.meta()).toMatchObject({ description: expect.stringMatching(/.{10}/) });
    }
  });
});

describe('the maximum size of sent images', () => {
  const hosted = { ...openai, maxEdge: 800 };

  it.each([
    [undefined, 800],
    [1_000, 800],
    [300, 300],
  ])('with indexing.sendMaxEdge %s has an edge of %i', (sendMaxEdge, edge) => {
    const { embedding } = parseConfig({ embedding: hosted, indexing: { sendMaxEdge } });
    expect(embedding).toMatchObject({ maxEdge: edge });
    expect(identityOf(embedding)).toMatchObject({ maxEdge: edge });
  });

  it('caps the default of every hosted provider', () => {
    for (const provider of ['openai', 'azure', 'cohere', 'gemini', 'voyage']) {
      const needed = provider === 'openai' ? openai : { apiKey: 'key', provider };
      const address = provider === 'azure' ? { baseURL: 'https://azure.example' } : {};
      const { embedding } = parseConfig({
        embedding: { ...needed, ...address },
        indexing: { sendMaxEdge: 200 },
      });
      expect(embedding).toMatchObject({ provider, maxEdge: 200 });
    }
  });

  it("doesn't affect a local model or an existing space", () => {
    const indexing = { sendMaxEdge: 200 };
    expect(parseConfig({ indexing }).embedding).toEqual(parseConfig({}).embedding);
    const { previousEmbedding } = parseConfig({ indexing, previousEmbedding: hosted });
    expect(previousEmbedding).toMatchObject({ maxEdge: 800 });
  });
});

describe('a preset', () => {
  const modelOf = (embedding: object) => parseConfig({ embedding }).embedding;

  it('sets the model and its number format, which may be overridden', () => {
    expect(modelOf({ preset: 'balanced' })).toMatchObject({
      provider: 'clip',
      model: 'Xenova/siglip-base-patch16-224',
      dtype: 'q8',
    });
    expect(modelOf({ preset: 'multilingual', dtype: 'fp32' })).toMatchObject({
      model: 'onnx-community/siglip2-base-patch16-224-ONNX',
      dtype: 'fp32',
    });
    expect(modelOf({ ...openai, fallback: { preset: 'balanced' } })).toMatchObject({
      fallback: { model: 'Xenova/siglip-base-patch16-224' },
    });
  });

  it('stands beside a setting whose environment variable is not set', () => {
    expect(modelOf({ preset: 'balanced', model: undefined })).toMatchObject({
      model: 'Xenova/siglip-base-patch16-224',
    });
  });

  it('makes the space of the model that it stands for', () => {
    const { embedding } = parseConfig({ embedding: { preset: 'fast' } });
    expect(identityOf(embedding)).toEqual(identityOf(parseConfig({}).embedding));
  });

  it('is refused beside another model, and by another name or provider', () => {
    expect(faults({ embedding: { preset: 'fast', model: 'folder' } })).toEqual([
      "  - embedding.model: is set by the preset; remove one of them; given: 'folder'",
    ]);
    expect(faults({ embedding: { preset: 'best' } })).toEqual([
      expect.stringContaining('embedding.preset'),
    ]);
    expect(faults({ embedding: { ...openai, preset: 'fast' } })).toEqual([
      expect.stringContaining('embedding has no setting "preset"'),
    ]);
  });
});

describe('a fallback', () => {
  it('is a local model with its defaults, unless it says otherwise', () => {
    const { embedding } = parseConfig({ embedding: { ...openai, fallback: { model: 'folder' } } });
    expect(embedding).toMatchObject({
      provider: 'openai',
      fallback: { provider: 'clip', model: 'folder', dtype: 'q8' },
    });
  });

  it('must be local, and only applies to hosted models', () => {
    expect(faults({ embedding: { fallback: { model: 'folder' } } })).toEqual([
      expect.stringContaining('embedding has no setting "fallback"'),
    ]);
    expect(faults({ embedding: { ...openai, fallback: openai } })).toEqual(
      expect.arrayContaining([expect.stringContaining('embedding.fallback.provider')]),
    );
  });
});

describe('a budget', () => {
  it('limits nothing by default', () => {
    expect(parseConfig({}).budget).toEqual({ currency: 'USD' });
  });

  it('in money requires a price', () => {
    expect(faults({ budget: { moneyPerMonth: 20 } })).toEqual([
      expect.stringMatching(/budget\.moneyPerMonth: requires a price/),
    ]);
  });
});

describe('tags', () => {
  it('need calibrated relevance', () => {
    expect(faults({ search: { calibrate: false }, tags: { labels: ['dog'] } })).toEqual([
      expect.stringMatching(/tags\.labels: needs search\.calibrate: true/),
    ]);
    expect(() => parseConfig({ search: { calibrate: false } })).not.toThrow();
  });

  it('differ in more than case and accents, which some databases ignore', () => {
    expect(faults({ tags: { labels: ['Café', 'cafe'] } })).toEqual([
      expect.stringMatching(/tags\.labels: must not name a tag twice/),
    ]);
  });
});
