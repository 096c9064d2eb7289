import type { Clock } from '../../plugin/src/clock';
import type { TestResponse } from '../../plugin/src/contracts/management';
import { toImageSearchError } from '../../plugin/src/errors';
import type { Spaces } from '../../plugin/src/spaces/spaces';
import type { VectorStore } from '../../plugin/src/vectors/contract';

/** A model that is loaded on this machine takes the longest. */
const TEST_TIMEOUT_MS = 30_000;

type Tested = TestResponse['data']['provider'];

/** Asks the provider for an embedding and the store for its collections: nothing that is remembered counts. */
export async function testHealth({
  spaces,
  store,
  clock,
}: {
  spaces: Spaces;
  store: VectorStore;
  clock: Clock;
}): Promise<TestResponse['data']> {
  const timed = async (test: () => Promise<Omit<Tested, 'milliseconds'>>): Promise<Tested> => {
    const begin = clock.now();
    const health = await test();
    return { ...health, milliseconds: clock.now() - begin };
  };
  const [provider, storeHealth] = await Promise.all([
    timed(() => testProvider(spaces)),
    timed(() => store.checkHealth()),
  ]);
  return { provider, store: storeHealth };
}

async function testProvider(spaces: Spaces): Promise<Omit<Tested, 'milliseconds'>> {
  const signal = AbortSignal.timeout(TEST_TIMEOUT_MS);
  try {
    // What could not be opened is opened again now.
    spaces.retryNow();
    const { provider } = await spaces.get(signal);
    await provider.embedTexts(['a photograph'], { signal });
    return await provider.checkHealth({ signal });
  } catch (error) {
    return { ok: false, message: toImageSearchError(error).message };
  }
}
