import { randomUUID } from 'node:crypto';
import type { VectorStore } from '../../plugin/src/vectors/contract';
import { createQdrantStore } from '../../plugin/src/vectors/qdrant';
import { qdrantConfigSchema, type QdrantConfig } from '../../plugin/src/vectors/qdrant/config';
import { createRecordingLogger, type RecordingLogger } from './recording-logger';

/** A real Qdrant that tests may use: what `QDRANT_URL` and `QDRANT_API_KEY` name. */
export interface LiveQdrant {
  url: string;
  apiKey?: string;
}

/** Null when none is named. */
export function findLiveQdrant(): LiveQdrant | null {
  const { QDRANT_URL: url, QDRANT_API_KEY: apiKey } = process.env;
  if (url === undefined || url === '') return null;
  return { url, ...(apiKey !== undefined && apiKey !== '' && { apiKey }) };
}

/** A prefix that no other run has. */
export function uniquePrefix(): string {
  return `test-${randomUUID().slice(0, 8)}`;
}

export interface OpenedQdrantStore {
  store: VectorStore;
  logger: RecordingLogger;
  losses: () => number;
}

export function openQdrantStore(
  settings: Pick<QdrantConfig, 'url'> & Record<string, unknown>,
): OpenedQdrantStore {
  const logger = createRecordingLogger();
  let losses = 0;
  const store = createQdrantStore({
    config: qdrantConfigSchema.parse({ store: 'qdrant', ...settings }),
    logger,
    onLoss: () => {
      losses += 1;
    },
  });
  return { store, logger, losses: () => losses };
}

/** Deletes all collections of a prefix, whoever made them. */
export async function deleteCollections(
  { url, apiKey }: LiveQdrant,
  prefix: string,
): Promise<void> {
  const headers = apiKey === undefined ? {} : { 'api-key': apiKey };
  const answer = await fetch(new URL('/collections', url), { headers });
  const { result } = (await answer.json()) as { result: { collections: { name: string }[] } };
  for (const { name } of result.collections.filter((one) => one.name.startsWith(`${prefix}-`))) {
    await fetch(new URL(`/collections/${name}`, url), { method: 'DELETE', headers });
  }
}
