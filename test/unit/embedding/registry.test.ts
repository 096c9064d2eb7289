import { describe, expect, it } from '@jest/globals';
import {
  embeddingConfigSchema,
  openEmbeddingProvider,
  providerDefinitions,
} from '../../../plugin/src/embedding/registry';

const openaiSettings = {
  provider: 'openai',
  baseURL: 'http://127.0.0.1:1/v1',
  apiKey: 'key',
  model: 'jina-clip-v2',
} as const;

describe('the registry of providers', () => {
  it('lists each provider under the name in its settings', () => {
    const names = providerDefinitions.map(({ name }) => name);
    expect(names).toEqual(['clip', 'openai', 'azure', 'cohere', 'gemini', 'voyage']);
    expect(
      providerDefinitions.map(({ configSchema }) => configSchema.shape.provider.value),
    ).toEqual(names);
  });

  it('identifies a model by existing, non-secret settings, and a hosted one by its URL', () => {
    for (const { configSchema, identifyingSettings } of providerDefinitions) {
      const settings = Object.keys(configSchema.shape);
      expect(settings).toEqual(expect.arrayContaining([...identifyingSettings]));
      expect(identifyingSettings).not.toContain('apiKey');
      const isHosted = settings.includes('apiKey');
      expect(identifyingSettings.includes('baseURL' as never)).toBe(isHosted);
      expect(identifyingSettings.includes('maxEdge' as never)).toBe(isHosted);
    }
  });

  it('describes every setting', () => {
    for (const { configSchema } of providerDefinitions) {
      const undescribed = Object.entries(configSchema.shape)
        .filter(([, schema]) => (schema.meta()?.description ?? '').length < 10)
        .map(([setting]) => setting);
      expect(undescribed).toEqual(['provider']);
    }
  });

  it.each([
    [{ provider: 'voyage', dimensions: 300 }, '256, 512, 1024 or 2048'],
    [{ provider: 'voyage', model: 'voyage-multimodal-3', dimensions: 512 }, '1024'],
    [{ provider: 'cohere', dimensions: 300 }, '256, 512, 1024 or 1536'],
    [{ provider: 'gemini', dimensions: 64 }, '128 to 3072'],
    [{ provider: 'gemini', model: 'models/gemini-embedding-2', dimensions: 4_096 }, '128 to 3072'],
  ])(
    'rejects a length that the model lacks, and lists the available ones: %j',
    (settings, offered) => {
      const result = embeddingConfigSchema.safeParse({ apiKey: 'key', ...settings });
      expect(result.error?.issues).toMatchObject([
        { path: ['dimensions'], message: expect.stringContaining(offered) },
      ]);
    },
  );

  it.each([
    { provider: 'voyage', model: 'voyage-multimodal-4', dimensions: 300 },
    { provider: 'cohere', model: 'embed-v5', dimensions: 2_048 },
    { provider: 'gemini', model: 'gemini-embedding-3', dimensions: 64 },
  ])('accepts an unknown model: %j', (settings) => {
    expect(embeddingConfigSchema.safeParse({ apiKey: 'key', ...settings }).success).toBe(true);
  });

  it('reads the settings of the named provider, with its defaults', () => {
    const config = embeddingConfigSchema.parse(openaiSettings);
    expect(config).toMatchObject({ ...openaiSettings, imageFormat: 'jina' });
  });

  it('rejects settings of another provider', () => {
    const result = embeddingConfigSchema.safeParse({ provider: 'clip', apiKey: 'key' });
    expect(result.error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['apiKey'] }]);
  });

  it.each([[{}], [{ provider: 'none' }], [{ ...openaiSettings, provider: 'OpenAI' }]])(
    'rejects settings of an unknown provider: %j',
    (settings) => {
      const { error } = embeddingConfigSchema.safeParse(settings);
      expect(error?.issues).toMatchObject([{ path: ['provider'] }]);
    },
  );

  it('opens the named provider', async () => {
    const provider = await openEmbeddingProvider(embeddingConfigSchema.parse(openaiSettings), {
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      projectFolder: '/',
      onProgress: ignore,
    });
    expect(provider.space).toMatchObject({
      provider: 'openai',
      model: 'jina-clip-v2',
      dimensions: 512,
    });
    await provider.dispose();
  });
});

function ignore(): void {
  // Tests need no logs.
}
