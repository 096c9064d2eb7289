import { isSameIdentity, type EmbeddingIdentity } from './contract';
import { embeddingConfigSchema, providerDefinitions, type EmbeddingConfig } from './registry';
import { ImageSearchError } from '../errors';

/** The settings that make the vectors what they are; none of them is a secret. */
export function identityOf(config: EmbeddingConfig): EmbeddingIdentity {
  const definition = providerDefinitions.find(({ name }) => name === config.provider);
  const settings = Object.entries(config).filter(([name]) =>
    (definition?.identifyingSettings as readonly string[] | undefined)?.includes(name),
  );
  return { provider: config.provider, ...Object.fromEntries(settings) };
}

/**
 * The settings that open the provider of a space again. What an identity leaves out, secrets among it, is taken from
 * a configuration for the same kind of provider at the same address: a key never travels to another host.
 *
 * @param configured what the configuration says now, the best first
 * @throws ImageSearchError `provider-unavailable` when something is missing
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
    message: `The model "${String(identity['model'] ?? identity['modelVersion'])}" of the provider "${identity.provider}" made the vectors that are searched, but the configuration no longer names it. To answer searches until the new model is ready, set previousEmbedding to the former settings of embedding (lacking: ${lacking}).`,
    retryable: true,
  });
}
