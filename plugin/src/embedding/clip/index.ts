import type { ProviderDefinition } from '../contract';
import { clipConfigSchema } from './config';

/** CLIP and SigLIP models on this machine: nothing leaves it. */
export const clipProvider: ProviderDefinition<typeof clipConfigSchema> = {
  name: 'clip',
  configSchema: clipConfigSchema,
  isLocal: true,
  identifyingSettings: ['model', 'dtype'],
  open: async (config, context) => {
    const { openClipProvider } = await import('./provider');
    return openClipProvider(config, context);
  },
};
