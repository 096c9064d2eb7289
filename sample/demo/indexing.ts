import { setTimeout as wait } from 'node:timers/promises';
import type { Core } from '@strapi/strapi';
import { parseConfig } from '../../plugin/src/config';
import type { VectorSpace } from '../../plugin/src/embedding/contract';
import { openEmbeddingProvider } from '../../plugin/src/embedding/registry';
import type { SpaceTrack } from '../../plugin/src/spaces/contract';
import type { ImageSearch } from '../../server/src/composition';
import { isIndexed, type IndexStatus, type StrapiClient } from '../../test/support/strapi-client';
import { DemoFailure } from './failure';
import { createProgressLine } from './terminal';

const POLL_INTERVAL_MS = 400;

/**
 * Shows how indexing goes on until nothing is left to do and the chosen model answers; until then, that of an earlier
 * run may. Fails with a DemoFailure when the chosen one cannot be loaded.
 */
export async function watchIndexing(
  strapi: Core.Strapi,
  client: StrapiClient,
  signal: AbortSignal,
): Promise<IndexStatus> {
  const line = createProgressLine(process.stdout);
  const { spaces } = strapi.plugin('image-search').service<ImageSearch>('image-search');
  const chosen = await findChosenSpace(strapi);
  for (;;) {
    const status = await client.readStatus();
    const isDone = status.space?.id === chosen.id && isIndexed(status);
    if (isDone && status.preparation === null) {
      line.end(describeProgress(status));
      return status;
    }
    checkPause(chosen, spaces.running());
    line.update(describeProgress(status));
    // A model that answered in an earlier run does not take over by itself.
    if (status.spaces.some(({ id, role }) => id === chosen.id && role === 'kept')) {
      await spaces.activate(chosen.id);
    }
    await wait(POLL_INTERVAL_MS, undefined, { signal });
  }
}

/** Opened here as well, because the product would try again for ever while an earlier model answers. */
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
    `The model "${model}" cannot be used. ${cause.message}\n` +
      'Try again, name another one (`npm run demo -- --model <name or folder>`), or leave --model out: the sample model needs no download.',
    { cause },
  );
}

function describeProgress(status: IndexStatus): string {
  const { preparation, provider, spaces, total, worker } = status;
  const filling = spaces.find(({ role }) => role === 'filling');
  const { counts } = filling ?? status;
  const obstacle = worker.pause?.message ?? (provider.ok ? null : provider.message);
  const notes = [
    ...(counts.failed > 0 ? [`${String(counts.failed)} failed`] : []),
    ...(counts.skipped > 0 ? [`${String(counts.skipped)} skipped`] : []),
    ...(preparation === null ? [] : [preparation]),
    ...(obstacle === null ? [] : [`waiting: ${obstacle}`]),
  ];
  const start = filling === undefined ? 'Indexed' : `Model ${filling.model}: indexed`;
  return [`${start} ${String(counts.indexed)} of ${String(total)} pictures`, ...notes].join(' · ');
}
