import { z } from 'zod';
import { ImageSearchError } from '../errors';
import { clipProvider } from './clip/provider';
import type {
  EmbeddingProvider,
  ProviderContext,
  ProviderDefinition,
  EmbeddingIdentity,
} from './contract';
import { azureProvider } from './hosted/azure';
import { cohereProvider } from './hosted/cohere';
import { geminiProvider } from './hosted/gemini';
import { openaiProvider } from './hosted/openai';
import { voyageProvider } from './hosted/voyage';
import { isSameIdentity } from './vector-space';

/** Every kind of provider. To add one, write its file and list it here. */
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

/** Settings of any provider; `provider` tells which. */
export const embeddingConfigSchema = z.discriminatedUnion(
  'provider',
  providerDefinitions.map(({ configSchema }) => configSchema) as SchemasOf<
    typeof providerDefinitions
  >,
);

export type EmbeddingConfig = z.output<typeof embeddingConfigSchema>;

const fallbackSchema = clipProvider.configSchema.optional().meta({
  description:
    'Settings of a local model that answers searches while the hosted one is down. It also indexes every image, in its own vector space',
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

/** Settings of the model for searches; a hosted one may have a local fallback. */
export const configuredEmbeddingSchema = z.discriminatedUnion(
  'provider',
  providerDefinitions.map((definition: ProviderDefinition) =>
    definition.isLocal === true
      ? definition.configSchema
      : definition.configSchema.safeExtend({ fallback: fallbackSchema }),
  ) as unknown as ConfiguredSchemasOf<typeof providerDefinitions>,
);

/** Separates the settings of the model for searches from those of its fallback. */
export function splitFallback(config: z.output<typeof configuredEmbeddingSchema>): {
  embedding: EmbeddingConfig;
  fallback: EmbeddingConfig | null;
} {
  if (!('fallback' in config)) return { embedding: config, fallback: null };
  const { fallback, ...embedding } = config;
  return { embedding, fallback: fallback ?? null };
}

/** Whether a provider's models run on this machine and cost nothing. */
export function isLocalProvider(provider: string): boolean {
  const definitions: readonly ProviderDefinition[] = providerDefinitions;
  return definitions.some(({ name, isLocal }) => name === provider && isLocal === true);
}

/**
 * Opens the provider that the configuration names.
 *
 * @throws ImageSearchError as `ProviderDefinition.open` does
 */
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

/** The settings that determine the vectors; never a secret. */
export function identityOf(config: EmbeddingConfig): EmbeddingIdentity {
  const definition = providerDefinitions.find(({ name }) => name === config.provider);
  const settings = Object.entries(config).filter(([name]) =>
    (definition?.identifyingSettings as readonly string[] | undefined)?.includes(name),
  );
  return { provider: config.provider, ...Object.fromEntries(settings) };
}

/**
 * The settings that reopen the provider of a space. What an identity lacks, secrets included, comes from a
 * configuration of the same kind of provider at the same address: a key never travels to another host.
 *
 * @param configured the current configurations, the best first
 * @throws ImageSearchError `provider-unavailable` if something is missing
 */
export function reopenConfig(
  identity: EmbeddingIdentity,
  configured: readonly EmbeddingConfig[],
): EmbeddingConfig {
  const exact = configured.find((config) => isSameIdentity(identityOf(config), identity));
  if (exact) return exact;
  const related = configured.find((config) => {
    const { provider, baseURL } = identityOf(config);
    return provider === identity.provider && baseURL === identity['baseURL'];
  });
  const result = embeddingConfigSchema.safeParse({ ...related, ...identity });
  if (result.success) return result.data;
  const lacking = result.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new ImageSearchError({
    code: 'provider-unavailable',
    message: `The active model "${String(identity['model'] ?? identity['modelVersion'])}" (${identity.provider}) can't be opened: the configuration no longer names it (missing: ${lacking}). Set previousEmbedding to the previous settings of embedding, so that searches work until the new model is ready.`,
    retryable: true,
  });
}
