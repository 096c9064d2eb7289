import { execFile } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createQdrantStore } from '../../../plugin/src/vectors/qdrant';
import { qdrantConfigSchema } from '../../../plugin/src/vectors/qdrant/config';
import { createRecordingLogger } from '../../support/recording-logger';
import { residentBytes } from '../resident-memory';
import { benchSpace, DIMENSIONS } from './dataset';
import type { Subject } from './subject';

const PREFIX = 'image-search-bench';
const DIRECT_COLLECTION = `${PREFIX}-direct`;
const POINTS_PER_REQUEST = 200;
const POLL_MS = 500;
const TIMEOUT_SECONDS = 120;

/**
 * The server that QDRANT_URL names (QDRANT_API_KEY if it has one). What it takes is known when it runs here and
 * QDRANT_STORAGE names its folder, QDRANT_PID its process.
 */
export function createQdrantSubject(): Subject {
  const { QDRANT_URL: url, QDRANT_API_KEY: apiKey } = process.env;
  const { QDRANT_STORAGE: folder, QDRANT_PID: pid } = process.env;
  if (!url) throw new Error('QDRANT_URL does not say where Qdrant is.');
  const config = qdrantConfigSchema.parse({
    store: 'qdrant',
    url,
    ...(apiKey && { apiKey }),
    collectionPrefix: PREFIX,
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  const request = createRequester(url, apiKey);
  const store = createQdrantStore({ config, logger: createRecordingLogger() });
  const collection = `${PREFIX}-${benchSpace.id}`;

  async function removeDirect(): Promise<void> {
    await request('DELETE', `/collections/${DIRECT_COLLECTION}`);
  }

  return {
    store,
    direct: {
      async create() {
        await removeDirect();
        const vectors = { size: DIMENSIONS, distance: 'Cosine' };
        await request('PUT', `/collections/${DIRECT_COLLECTION}`, { vectors });
      },
      async load(points) {
        for (let first = 0; first < points.length; first += POINTS_PER_REQUEST) {
          await request('PUT', `/collections/${DIRECT_COLLECTION}/points?wait=true`, {
            points: points
              .slice(first, first + POINTS_PER_REQUEST)
              .map(({ fileId, vector, payload }) => ({ id: fileId, vector: [...vector], payload })),
          });
        }
      },
      search: (query, limit) =>
        request('POST', `/collections/${collection}/points/query`, {
          query,
          limit,
          params: { hnsw_ef: config.hnsw.efSearch },
        }),
    },
    async settle() {
      await removeDirect();
      while (!(await isSettled())) await wait(POLL_MS);
    },
    diskBytes: () => (folder ? sizeOf(folder) : Promise.resolve(null)),
    memoryBytes: () => (pid ? residentBytes(Number(pid)) : Promise.resolve(null)),
    async remove() {
      await store.dropSpace(benchSpace.id);
    },
  };

  async function isSettled(): Promise<boolean> {
    const { result } = (await request('GET', `/collections/${collection}`)) as {
      result: { status: string };
    };
    return result.status === 'green';
  }
}

function createRequester(url: string, apiKey: string | undefined) {
  return async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await fetch(url + path, {
      method,
      headers: headersFor(apiKey),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok)
      throw new Error(`Qdrant answered ${String(answer.status)} to ${method} ${path}.`);
    return answer.json();
  };
}

function headersFor(apiKey: string | undefined): Record<string, string> {
  return { 'content-type': 'application/json', ...(apiKey && { 'api-key': apiKey }) };
}

async function sizeOf(folder: string): Promise<number> {
  const { stdout } = await promisify(execFile)('du', ['-sk', folder]);
  return Number(stdout.split('\t')[0]) * 1_024;
}
