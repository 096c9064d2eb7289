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
  it('lists each provider under the name that its settings carry', () => {
    const names = providerDefinitions.map(({ name }) => name);
    expect(names).toEqual(['clip', 'openai', 'azure', 'cohere', 'gemini', 'voyage']);
    expect(
      providerDefinitions.map(({ configSchema }) => configSchema.shape.provider.value),
    ).toEqual(names);
  });

  it('identifies a model by settings that exist and are no secret, and a hosted one by its address', () => {
    for (const { configSchema, identifyingSettings } of providerDefinitions) {
      const settings = Object.keys(configSchema.shape);
      expect(settings).toEqual(expect.arrayContaining([...identifyingSettings]));
      expect(identifyingSettings).not.toContain('apiKey');
      const isHosted = settings.includes('apiKey');
      expect(identifyingSettings.includes('baseURL' as never)).toBe(isHosted);
      expect(identifyingSettings.includes('maxEdge' as never)).toBe(isHosted);
    }
  });

  it('describes every setting and has facts for every provider', () => {
    for (const { name, configSchema, facts } of providerDefinitions) {
      const undescribed = Object.entries(configSchema.shape)
        .filter(([, schema]) => (schema.meta()?.description ?? '').length < 10)
        .map(([setting]) => setting);
      expect(undescribed).toEqual(['provider']);
      expect(facts.length).toBeGreaterThan(0);
      for (const { settings } of facts) expect(settings).toContain(`'${name}'`);
    }
  });

  it.each([
    [{ provider: 'voyage', dimensions: 300 }, '256, 512, 1024 or 2048'],
    [{ provider: 'voyage', model: 'voyage-multimodal-3', dimensions: 512 }, '1024'],
    [{ provider: 'cohere', dimensions: 300 }, '256, 512, 1024 or 1536'],
    [{ provider: 'gemini', dimensions: 64 }, '128 to 3072'],
    [{ provider: 'gemini', model: 'models/gemini-embedding-2', dimensions: 4_096 }, '128 to 3072'],
  ])('refuses a length that the model does not offer, and names those: %j', (settings, offered) => {
    const result = embeddingConfigSchema.safeParse({ apiKey: 'key', ...settings });
    expect(result.error?.issues).toMatchObject([
      { path: ['dimensions'], message: expect.stringContaining(offered) },
    ]);
  });

  it.each([
    { provider: 'voyage', model: 'voyage-multimodal-4', dimensions: 300 },
    { provider: 'cohere', model: 'embed-v5', dimensions: 2_048 },
    { provider: 'gemini', model: 'gemini-embedding-3', dimensions: 64 },
  ])('lets a model that it does not know through: %j', (settings) => {
    expect(embeddingConfigSchema.safeParse({ apiKey: 'key', ...settings }).success).toBe(true);
  });

  it('reads the settings of the provider that they name, with its defaults', () => {
    const config = embeddingConfigSchema.parse(openaiSettings);
    expect(config).toMatchObject({ ...openaiSettings, imageFormat: 'jina' });
  });

  it('refuses settings of another provider', () => {
    const result = embeddingConfigSchema.safeParse({ provider: 'clip', apiKey: 'key' });
    expect(result.error?.issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['apiKey'] }]);
  });

  it.each([[{}], [{ provider: 'none' }], [{ ...openaiSettings, provider: 'OpenAI' }]])(
    'refuses settings of no provider: %j',
    (settings) => {
      const { error } = embeddingConfigSchema.safeParse(settings);
      expect(error?.issues).toMatchObject([{ path: ['provider'] }]);
    },
  );

  it('opens the provider that the settings name', async () => {
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
  // Nothing of this is of interest to a test.
}
