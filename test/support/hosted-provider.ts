import type { EmbeddingProvider, ProviderContext } from '../../plugin/src/embedding/contract';
import {
  embeddingConfigSchema,
  openEmbeddingProvider,
  type EmbeddingConfig,
} from '../../plugin/src/embedding/registry';
import {
  startEmbeddingServer,
  type EmbeddingServer,
  type EmbeddingServerOptions,
} from './embedding-server';
import { testKey } from './openai-provider';
import type { Vendor } from './vendors';

/** The vendor's double, with the key of tests. */
export function startVendorServer(
  { double, native }: Vendor,
  options: Pick<EmbeddingServerOptions<unknown>, 'embedder' | 'refusedText' | 'refusesImage'> = {},
): Promise<EmbeddingServer> {
  return startEmbeddingServer({ vendor: double, apiKey: testKey, dimensions: native, ...options });
}

/** As a user configures it; without `baseURL` it is the real service. */
export function vendorConfig(
  { settings }: Vendor,
  more: { baseURL?: string; apiKey?: string } & Record<string, unknown> = {},
): EmbeddingConfig {
  return embeddingConfigSchema.parse({ ...settings, apiKey: testKey, ...more });
}

export function openVendor(
  config: EmbeddingConfig,
  context: Pick<ProviderContext, 'onUsage'> = {},
): Promise<EmbeddingProvider> {
  return openEmbeddingProvider(config, {
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    projectFolder: '/',
    onProgress: ignore,
    ...context,
  });
}

function ignore(): void {
  // Nothing of this is of interest to a test.
}
