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
    expect(names).toEqual(['clip', 'openai']);
    expect(
      providerDefinitions.map(({ configSchema }) => configSchema.shape.provider.value),
    ).toEqual(names);
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
