import { setTimeout as wait } from 'node:timers/promises';
import { isIndexed, type IndexStatus, type StrapiClient } from '../../test/support/strapi-client';
import { createProgressLine } from './terminal';

const POLL_INTERVAL_MS = 400;

/** Shows how indexing goes on until nothing is left to do and the model answers. */
export async function watchIndexing(
  client: StrapiClient,
  signal: AbortSignal,
): Promise<IndexStatus> {
  const line = createProgressLine(process.stdout);
  for (;;) {
    const status = await client.readStatus();
    if (isIndexed(status) && status.provider.ok) {
      line.end(describeProgress(status));
      return status;
    }
    line.update(describeProgress(status));
    await wait(POLL_INTERVAL_MS, undefined, { signal });
  }
}

function describeProgress(status: IndexStatus): string {
  const { counts, preparation, provider, total, worker } = status;
  const obstacle = worker.pause?.message ?? (provider.ok ? null : provider.message);
  const notes = [
    ...(counts.failed > 0 ? [`${String(counts.failed)} failed`] : []),
    ...(counts.skipped > 0 ? [`${String(counts.skipped)} skipped`] : []),
    ...(preparation === null ? [] : [preparation]),
    ...(obstacle === null ? [] : [`waiting: ${obstacle}`]),
  ];
  return [`Indexed ${String(counts.indexed)} of ${String(total)} pictures`, ...notes].join(' · ');
}
