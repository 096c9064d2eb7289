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

const fallbackSchema = clipProvider.configSchema.optional().meta({
  description:
    'Settings of a local model that answers searches while the hosted one is down. It indexes every picture, too, into a space of its own',
});

type WithFallback<Schema extends z.ZodObject> =
  Schema extends z.ZodObject<infer Shape, infer Strictness>
    ? z.ZodObject<Shape & { fallback: typeof fallbackSchema }, Strictness>
    : never;

type ConfiguredSchemasOf<Definitions extends readonly ProviderDefinition[]> = {
  -readonly [Index in keyof Definitions]: Definitions[Index] extends { isLocal: true }
    ? Definitions[Index]['configSchema']
    : WithFallback<Definitions[Index]['configSchema']>;
};

/** Settings of the model that is to answer; a hosted one may have a local one to fall back on. */
export const configuredEmbeddingSchema = z.discriminatedUnion(
  'provider',
  providerDefinitions.map((definition: ProviderDefinition) =>
    definition.isLocal === true
      ? definition.configSchema
      : definition.configSchema.safeExtend({ fallback: fallbackSchema }),
  ) as unknown as ConfiguredSchemasOf<typeof providerDefinitions>,
);

/** Tells the settings of the model that is to answer from those of the one to fall back on. */
export function splitFallback(config: z.output<typeof configuredEmbeddingSchema>): {
  embedding: EmbeddingConfig;
  fallback: EmbeddingConfig | null;
} {
  if (!('fallback' in config)) return { embedding: config, fallback: null };
  const { fallback, ...embedding } = config;
  return { embedding, fallback: fallback ?? null };
}

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
