import type { ProviderDefinition } from '../contract';
import { azureConfigSchema } from './config';

/** Azure AI Vision 4.0, multimodal embeddings. */
export const azureProvider: ProviderDefinition<typeof azureConfigSchema> = {
  name: 'azure',
  configSchema: azureConfigSchema,
  facts: [
    {
      serves: 'Azure AI Vision 4.0 (Florence)',
      settings: "`provider: 'azure'`",
      dimensions: '1024',
      sends: 'pictures as bytes, texts',
      limits: 'one picture or text a request; texts are cut after 70 words',
    },
  ],
  identifyingSettings: ['baseURL', 'modelVersion', 'maxEdge'],
  open: async (config, context) => {
    const [{ createAzureApi }, { HostedProvider }] = await Promise.all([
      import('./api'),
      import('../http/hosted-provider'),
    ]);
    return new HostedProvider(createAzureApi(config), context);
  },
};
