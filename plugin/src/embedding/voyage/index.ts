import type { ProviderDefinition } from '../contract';
import { listModels } from '../http/dimensions';
import { voyageConfigSchema, voyageModels } from './config';

/** Voyage AI, multimodal embeddings. */
export const voyageProvider: ProviderDefinition<typeof voyageConfigSchema> = {
  name: 'voyage',
  configSchema: voyageConfigSchema,
  facts: [
    {
      serves: 'Voyage AI',
      settings: "`provider: 'voyage'`",
      dimensions: listModels(voyageModels),
      sends: 'pictures as data URLs with `document`, texts with `query`',
      limits: 'first tier: 2,000 requests and 2,000,000 tokens a minute',
    },
  ],
  identifyingSettings: ['baseURL', 'model', 'dimensions', 'maxEdge'],
  open: async (config, context) => {
    const [{ createVoyageApi }, { HostedProvider }] = await Promise.all([
      import('./api'),
      import('../http/hosted-provider'),
    ]);
    return new HostedProvider(createVoyageApi(config), context);
  },
};
