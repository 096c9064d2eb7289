import { describe, expect, it } from '@jest/globals';
import { openaiProvider } from '../../../../plugin/src/embedding/hosted/openai';

const { configSchema } = openaiProvider;

const needed = {
  provider: 'openai',
  baseURL: 'https://api.jina.ai/v1',
  apiKey: 'jina_key',
  model: 'jina-clip-v2',
};

describe('settings of the provider openai', () => {
  it('require a URL, a key and a model', () => {
    expect(configSchema.parse(needed)).toEqual({
      ...needed,
      imageFormat: 'jina',
      dimensions: 512,
      batchSize: 8,
      textBatchSize: 32,
      timeoutSeconds: 30,
      maxEdge: 512,
    });
    const { error } = configSchema.safeParse({ provider: 'openai' });
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual(['baseURL', 'apiKey', 'model']);
  });

  it('each have a description', () => {
    const undescribed = Object.entries(configSchema.shape)
      .filter(([, schema]) => (schema.meta()?.description ?? '').length < 10)
      .map(([name]) => name);
    expect(undescribed).toEqual(['provider']);
  });

  it.each([
    ['baseURL', 'api.jina.ai/v1'],
    ['baseURL', 'ftp://api.jina.ai/v1'],
    ['baseURL', 'https://user:password@api.jina.ai/v1'],
    ['baseURL', 'https://api.jina.ai/v1?version=2'],
    ['baseURL', 'https://api.jina.ai/v1#top'],
    ['apiKey', ''],
    ['apiKey', '   '],
    ['apiKey', 'two words'],
    ['apiKey', 'a\nb'],
    ['apiKey', 'schlüssel'],
    ['model', ' '],
    ['imageFormat', 'cohere'],
    ['dimensions', 0],
    ['dimensions', 12.5],
    ['batchSize', 0],
    ['textBatchSize', 0],
    ['requestsPerMinute', 0],
    ['timeoutSeconds', 0],
    ['timeoutSeconds', 301],
    ['maxEdge', 10],
    ['retries', 2],
    ['dimensions', 2_048],
    ['dimensions', 32],
    ['tokensPerMinute', 10],
  ])('reject %s: %j', (key, value) => {
    const { error } = configSchema.safeParse({ ...needed, [key]: value });
    expect(error?.issues).toHaveLength(1);
    expect(JSON.stringify(error?.issues)).toContain(key);
  });

  it('list the lengths of a known model, and accept unknown models', () => {
    const { error } = configSchema.safeParse({ ...needed, dimensions: 2_048 });
    expect(error?.issues).toMatchObject([
      { path: ['dimensions'], message: 'jina-clip-v2 has vectors of 64 to 1024 dimensions' },
    ]);
    const others = [
      { model: 'jinaai/jina-clip-v2', dimensions: 1_024 },
      { model: 'jina-clip-v9', dimensions: 2_048 },
      { model: 'jina-clip-v2', imageFormat: 'infinity', dimensions: 2_048 },
      { model: 'google/embeddinggemma-2', imageFormat: 'deepinfra', dimensions: 512 },
    ];
    for (const other of others) {
      expect(configSchema.safeParse({ ...needed, ...other }).success).toBe(true);
    }
  });

  it('never show the key in an error', () => {
    const { error } = configSchema.safeParse({ ...needed, apiKey: 'very secret' });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it('trim a key that was pasted with a line break', () => {
    expect(configSchema.parse({ ...needed, apiKey: 'jina_key\n' }).apiKey).toBe('jina_key');
  });
});
