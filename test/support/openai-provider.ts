import type { EmbeddingProvider, ProviderContext } from '../../plugin/src/embedding/contract';
import { openaiProvider } from '../../plugin/src/embedding/openai';
import type { OpenaiConfig } from '../../plugin/src/embedding/openai/api';
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
  const config = openaiProvider.configSchema.parse({
    provider: 'openai',
    baseURL: settings.baseURL,
    apiKey: testKey,
    model: 'jina-clip-v2',
    dimensions: 256,
  });
  return openaiProvider.open(
    { ...config, ...settings },
    {
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      projectFolder: '/',
      onProgress: ignore,
      ...context,
    },
  );
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
