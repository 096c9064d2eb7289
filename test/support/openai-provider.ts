import type { Clock } from '../../plugin/src/clock';
import type { EmbeddingProvider, ProviderContext } from '../../plugin/src/embedding/contract';
import { HostedProvider } from '../../plugin/src/embedding/hosted/hosted-provider';
import {
  openaiProvider,
  createOpenaiApi,
  type OpenaiConfig,
} from '../../plugin/src/embedding/hosted/openai';
import { createOpenaiTransport } from '../../plugin/src/embedding/hosted/openai-transport';
import { ImageSearchError } from '../../plugin/src/errors';

/** Opens nothing. Short enough that nothing but care keeps it out of messages. */
export const testKey = 'SECRET_0123456789abcdef01234567';

/** More than a test asks for: those of the vendor would keep it waiting for the minute to end. */
export const ampleQuota = { requestsPerMinute: 100_000, tokensPerMinute: 1_000_000_000 };

type Settings = Partial<OpenaiConfig> & { baseURL: string };

/**
 * The provider on the server double: 256 dimensions, as the sample model behind it. What is given replaces the
 * defaults after they were checked, so that a test may ask for a timeout below a second.
 */
export function openTestProvider(
  settings: Settings,
  context: Pick<ProviderContext, 'onUsage'> = {},
): Promise<EmbeddingProvider> {
  return openaiProvider.open(
    { ...testConfig(settings.baseURL), ...settings },
    {
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      projectFolder: '/',
      onProgress: ignore,
      ...context,
    },
  );
}

/** As `openTestProvider`, by a clock of the test; settings are checked, and the quota is Jina's unless they name one. */
export function createTimedProvider(
  clock: Clock,
  { baseURL, ...settings }: { baseURL: string } & Record<string, unknown>,
): HostedProvider {
  const config = testConfig(baseURL, settings);
  return new HostedProvider(createOpenaiApi(config, createOpenaiTransport(config)), { clock });
}

function testConfig(baseURL: string, settings: Record<string, unknown> = {}): OpenaiConfig {
  return openaiProvider.configSchema.parse({
    provider: 'openai',
    baseURL,
    apiKey: testKey,
    model: 'jina-clip-v2',
    dimensions: 256,
    ...settings,
  });
}

/** The error of this product that `work` rejects with. */
export async function rejectionOf(work: Promise<unknown>): Promise<ImageSearchError> {
  const outcome = await work.then(
    () => 'no error',
    (error: unknown) => error,
  );
  if (outcome instanceof ImageSearchError) return outcome;
  throw new Error(`Expected an ImageSearchError, got ${String(outcome)}.`);
}

function ignore(): void {
  // Nothing of this is of interest to a test.
}
