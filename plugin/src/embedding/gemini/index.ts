import type { ProviderDefinition } from '../contract';
import { listModels } from '../http/dimensions';
import { geminiConfigSchema, geminiModels } from './config';

/** Google's Gemini API, multimodal embeddings. */
export const geminiProvider: ProviderDefinition<typeof geminiConfigSchema> = {
  name: 'gemini',
  configSchema: geminiConfigSchema,
  facts: [
    {
      serves: 'Google Gemini',
      settings: "`provider: 'gemini'`",
      dimensions: listModels(geminiModels),
      sends: 'pictures as base64, texts after the words `task: search result | query:`',
      limits: 'six pictures a request; requests and tokens a minute by project',
    },
  ],
  identifyingSettings: ['baseURL', 'model', 'dimensions', 'maxEdge'],
  open: async (config, context) => {
    const [{ createGeminiApi }, { HostedProvider }] = await Promise.all([
      import('./api'),
      import('../http/hosted-provider'),
    ]);
    return new HostedProvider(createGeminiApi(config), context);
  },
};
