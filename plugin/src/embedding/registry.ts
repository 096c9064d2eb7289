import { z } from 'zod';
import { azureProvider } from './azure';
import { clipProvider } from './clip';
import { cohereProvider } from './cohere';
import type { EmbeddingProvider, ProviderContext, ProviderDefinition } from './contract';
import { geminiProvider } from './gemini';
import { openaiProvider } from './openai';
import { voyageProvider } from './voyage';

/** Every kind of provider: a new one is its folder, an import and a line here. */
export const providerDefinitions = [
  clipProvider,
  openaiProvider,
  azureProvider,
  cohereProvider,
  geminiProvider,
  voyageProvider,
] as const;

type SchemasOf<Definitions extends readonly ProviderDefinition[]> = {
  -readonly [Index in keyof Definitions]: Definitions[Index]['configSchema'];
};

/** Settings of any provider, told apart by `provider`. */
export const embeddingConfigSchema = z.discriminatedUnion(
  'provider',
  providerDefinitions.map(({ configSchema }) => configSchema) as SchemasOf<
    typeof providerDefinitions
  >,
);

export type EmbeddingConfig = z.output<typeof embeddingConfigSchema>;

/** Whether the models of a provider run on this machine, where there is nothing to pay. */
export function isLocalProvider(provider: string): boolean {
  const definitions: readonly ProviderDefinition[] = providerDefinitions;
  return definitions.some(({ name, isLocal }) => name === provider && isLocal === true);
}

/** Opens the provider that the configuration names; fails as its definition's `open` does. */
export async function openEmbeddingProvider(
  config: EmbeddingConfig,
  context: ProviderContext,
): Promise<EmbeddingProvider> {
  const definition: ProviderDefinition | undefined = providerDefinitions.find(
    ({ name }) => name === config.provider,
  );
  if (definition === undefined) throw new RangeError(`No provider "${config.provider}".`);
  return definition.open(config, context);
}
