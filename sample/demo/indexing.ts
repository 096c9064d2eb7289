import { setTimeout as wait } from 'node:timers/promises';
import { isIndexed, type IndexStatus, type StrapiClient } from '../../test/support/strapi-client';
import { createProgressLine } from './terminal';

const POLL_INTERVAL_MS = 400;

/** Shows how indexing goes on until nothing is left to do. */
export async function watchIndexing(
  client: StrapiClient,
  signal: AbortSignal,
): Promise<IndexStatus> {
  const line = createProgressLine(process.stdout);
  for (;;) {
    const status = await client.readStatus();
    if (isIndexed(status)) {
      line.end(describeProgress(status));
      return status;
    }
    line.update(describeProgress(status));
    await wait(POLL_INTERVAL_MS, undefined, { signal });
  }
}

function describeProgress({ counts, preparation, total, worker }: IndexStatus): string {
  const notes = [
    ...(counts.failed > 0 ? [`${String(counts.failed)} failed`] : []),
    ...(counts.skipped > 0 ? [`${String(counts.skipped)} skipped`] : []),
    ...(preparation === null ? [] : [preparation]),
    ...(worker.pause ? [`waiting: ${worker.pause.message}`] : []),
  ];
  return [`Indexed ${String(counts.indexed)} of ${String(total)} pictures`, ...notes].join(' · ');
}
