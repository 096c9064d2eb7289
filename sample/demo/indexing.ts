import { setTimeout as wait } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { parseConfig } from '../../plugin/src/config';
import type { VectorSpace } from '../../plugin/src/embedding/contract';
import { openEmbeddingProvider } from '../../plugin/src/embedding/registry';
import type { SpaceTrack } from '../../plugin/src/spaces/contract';
import type { ImageSearch } from '../../server/src/composition';
import { isIndexed, type IndexStatus, type StrapiClient } from '../../test/support/strapi-client';
import { DemoFailure } from './failure';

const POLL_INTERVAL_MS = 400;

/**
 * Shows the progress until all images are indexed and the chosen model is active. The model of an earlier run may be
 * active until then.
 *
 * @throws DemoFailure when the chosen model can't be loaded
 */
export async function watchIndexing(
  strapi: Core.Strapi,
  client: StrapiClient,
  { say, signal }: { say: (text: string) => void; signal: AbortSignal },
): Promise<IndexStatus> {
  const { spaces } = strapi.plugin('image-search').service<ImageSearch>('image-search');
  const chosen = await findChosenSpace(strapi);
  for (;;) {
    const status = await client.readStatus();
    const isDone = status.space?.id === chosen.id && isIndexed(status);
    if (isDone && status.preparation === null) return status;
    checkPause(chosen, spaces.running());
    say(describeProgress(status));
    // A model that was active in an earlier run doesn't take over automatically.
    if (status.spaces.some(({ id, role }) => id === chosen.id && role === 'standby')) {
      await spaces.activate(chosen.id);
    }
    await wait(POLL_INTERVAL_MS, undefined, { signal });
  }
}

/** Opens the model here too, because the plugin would retry forever while an earlier model is active. */
async function findChosenSpace(strapi: Core.Strapi): Promise<VectorSpace> {
  const { embedding } = parseConfig(strapi.config.get('plugin::image-search'));
  try {
    const provider = await openEmbeddingProvider(embedding, {
      logger: strapi.log,
      projectFolder: strapi.dirs.app.root,
      onProgress: () => undefined,
    });
    await provider.dispose();
    return provider.space;
  } catch (error) {
    throw unusableModel(
      'model' in embedding ? embedding.model : embedding.provider,
      error as Error,
    );
  }
}

function checkPause({ id, model }: VectorSpace, tracks: readonly SpaceTrack[]): void {
  const track = tracks.find((candidate) => candidate.spaceId() === id);
  const error = track?.workerStatus().pause?.error;
  if (error?.code.startsWith('provider-')) throw unusableModel(model, error);
}

function unusableModel(model: string, cause: Error): DemoFailure {
  return new DemoFailure(
    `Couldn't load the model "${model}": ${cause.message}\n` +
      'Retry, choose another model (`npm run demo -- --model <name or folder>`), or omit --model to use the sample model, which needs no download.',
    { cause },
  );
}

export function describeProgress(status: IndexStatus): string {
  const { preparation, provider, spaces, total, worker } = status;
  const filling = spaces.find(({ role }) => role === 'building');
  const { counts } = filling ?? status;
  const obstacle = worker.pause?.message ?? (provider.ok ? null : provider.message);
  const notes = [
    ...(counts.failed > 0 ? [`${String(counts.failed)} failed`] : []),
    ...(counts.skipped > 0 ? [`${String(counts.skipped)} skipped`] : []),
    ...(preparation === null ? [] : [preparation]),
    ...(obstacle === null ? [] : [`waiting: ${obstacle}`]),
  ];
  const start = filling === undefined ? 'Indexed' : `Model ${filling.model}: indexed`;
  return [`${start} ${String(counts.indexed)} of ${String(total)} images`, ...notes].join(' · ');
}
