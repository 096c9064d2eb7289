import type { ProviderDefinition } from '../contract';
import { clipConfigSchema } from './config';

/** CLIP and SigLIP models on this machine: nothing leaves it. */
export const clipProvider: ProviderDefinition<typeof clipConfigSchema> & {
  readonly isLocal: true;
} = {
  name: 'clip',
  configSchema: clipConfigSchema,
  isLocal: true,
  facts: [
    {
      serves: 'CLIP and SigLIP on this machine',
      settings: "`provider: 'clip'`",
      dimensions: 'those of the model',
      sends: 'nothing',
      limits: 'the processor',
    },
  ],
  identifyingSettings: ['model', 'dtype'],
  open: async (config, context) => {
    const { openClipProvider } = await import('./provider');
    return openClipProvider(config, context);
  },
};
