import { randomUUID } from 'node:crypto';
import type { DatabaseIdentity, VectorStore } from '../../plugin/src/vectors/contract';
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
  /** How often it was back after an outage. */
  returns: () => number;
}

export function openQdrantStore(
  settings: Pick<QdrantConfig, 'url'> & Record<string, unknown>,
  database: DatabaseIdentity | null = null,
): OpenedQdrantStore {
  const logger = createRecordingLogger();
  let losses = 0;
  let returns = 0;
  const store = createQdrantStore({
    config: qdrantConfigSchema.parse({ store: 'qdrant', ...settings }),
    database: () => Promise.resolve(database),
    logger,
    onLoss: () => {
      losses += 1;
    },
    onBack: () => {
      returns += 1;
    },
  });
  return { store, logger, losses: () => losses, returns: () => returns };
}

/** Names of all collections with a prefix, including those of other tests. */
export async function listCollections(
  { url, apiKey }: LiveQdrant,
  prefix: string,
): Promise<string[]> {
  const answer = await fetch(new URL('/collections', url), { headers: headersOf(apiKey) });
  const { result } = (await answer.json()) as { result: { collections: { name: string }[] } };
  return result.collections.map(({ name }) => name).filter((name) => name.startsWith(`${prefix}-`));
}

/** Deletes all collections with a prefix, including those of other tests. */
export async function deleteCollections(live: LiveQdrant, prefix: string): Promise<void> {
  for (const name of await listCollections(live, prefix)) {
    const address = new URL(`/collections/${name}`, live.url);
    await fetch(address, { method: 'DELETE', headers: headersOf(live.apiKey) });
  }
}

function headersOf(apiKey: string | undefined): Record<string, string> {
  return apiKey === undefined ? {} : { 'api-key': apiKey };
}
