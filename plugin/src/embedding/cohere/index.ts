import type { ProviderDefinition } from '../contract';
import { listModels } from '../http/dimensions';
import { cohereConfigSchema, cohereModels } from './config';

/** Cohere Embed. */
export const cohereProvider: ProviderDefinition<typeof cohereConfigSchema> = {
  name: 'cohere',
  configSchema: cohereConfigSchema,
  facts: [
    {
      serves: 'Cohere',
      settings: "`provider: 'cohere'`",
      dimensions: listModels(cohereModels),
      sends: 'pictures as data URLs with `image`, texts with `search_query`',
      limits: 'one picture a request; a production key 400 pictures a minute, a trial key 5',
    },
  ],
  identifyingSettings: ['baseURL', 'model', 'dimensions', 'maxEdge'],
  open: async (config, context) => {
    const [{ createCohereApi }, { HostedProvider }] = await Promise.all([
      import('./api'),
      import('../http/hosted-provider'),
    ]);
    return new HostedProvider(createCohereApi(config), context);
  },
};
