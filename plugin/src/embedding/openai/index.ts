import type { ProviderDefinition } from '../contract';
import { listModels } from '../http/dimensions';
import { openaiConfigSchema } from './config';
import { imageFormats } from './image-formats';

/** Hosted models behind an embeddings API in OpenAI's manner, whichever way it takes pictures. */
export const openaiProvider: ProviderDefinition<typeof openaiConfigSchema> = {
  name: 'openai',
  configSchema: openaiConfigSchema,
  facts: Object.entries(imageFormats).map(([name, { facts, models }]) => ({
    ...facts,
    settings: `\`provider: 'openai'\`, \`imageFormat: '${name}'\``,
    dimensions: listModels(models) || 'those of the model',
  })),
  identifyingSettings: ['baseURL', 'model', 'imageFormat', 'dimensions', 'maxEdge'],
  // Loaded on demand: the `openai` package takes some 10 MB of memory that a local model has no use for.
  open: async (config, context) => {
    const [{ createOpenaiApi }, { HostedProvider }] = await Promise.all([
      import('./api'),
      import('../http/hosted-provider'),
    ]);
    return new HostedProvider(createOpenaiApi(config), context);
  },
};
