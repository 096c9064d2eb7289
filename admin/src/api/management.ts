import * as z from 'zod';
import {
  estimateResponseSchema,
  type EstimateResponse,
} from '../../../plugin/src/contracts/billing';
import { checksResponseSchema, type Check } from '../../../plugin/src/contracts/checks';
import {
  entriesResponseSchema,
  reindexResponseSchema,
  statusResponseSchema,
  testResponseSchema,
  type EntriesResponse,
  type ReindexScope,
  type StatusResponse,
  type TestResponse,
} from '../../../plugin/src/contracts/management';
import { assetSchema, type Asset } from './asset';
import { pluginApi, strapiApi } from './client';

export type Status = StatusResponse['data'];
export type Entry = EntriesResponse['data'][number];
/** States in which an image is no longer retried. */
export type NotSearchableState = 'failed' | 'skipped';
export type Estimate = EstimateResponse['data'];
export type HealthTest = TestResponse['data'];

/** A failed or skipped image. */
export interface NotSearchableImage {
  entry: Entry;
  /** Null when the role may not see the file. */
  asset: Asset | null;
}

export interface NotSearchablePage {
  images: NotSearchableImage[];
  nextCursor: number | null;
}

const PAGE = 20;
const status = { schema: statusResponseSchema };
const filesSchema = z.object({ results: z.array(assetSchema) });

/** The state of the index, and every action on it. */
export const managementApi = {
  status: async (signal: AbortSignal): Promise<Status> =>
    (await pluginApi.get('/status', { ...status, signal })).data,
  hold: async (): Promise<Status> => (await pluginApi.post('/hold', status)).data,
  resume: async (): Promise<Status> => (await pluginApi.delete('/hold', status)).data,
  activate: async (spaceId: string): Promise<Status> =>
    (await pluginApi.post(`/spaces/${spaceId}/activate`, status)).data,
  drop: async (spaceId: string): Promise<Status> =>
    (await pluginApi.delete(`/spaces/${spaceId}`, status)).data,
  reindex: (scope: ReindexScope): Promise<number> => reindex({ scope }),
  retry: (fileIds: readonly number[]): Promise<number> => reindex({ fileIds }),
  checks: async (signal: AbortSignal): Promise<Check[]> =>
    (await pluginApi.get('/checks', { schema: checksResponseSchema, signal })).data.checks,
  test: async (): Promise<HealthTest> =>
    (await pluginApi.post('/test', { schema: testResponseSchema })).data,
  estimate: async (scope: ReindexScope, signal: AbortSignal): Promise<Estimate> => {
    const schema = estimateResponseSchema;
    return (await pluginApi.get('/estimate', { schema, query: { scope }, signal })).data;
  },
};

async function reindex(body: object): Promise<number> {
  const { data } = await pluginApi.post('/reindex', { schema: reindexResponseSchema, body });
  return data.marked;
}

export async function fetchNotSearchable(
  { state, cursor }: { state: NotSearchableState; cursor: number | null },
  signal: AbortSignal,
): Promise<NotSearchablePage> {
  const page = await pluginApi.get('/entries', {
    schema: entriesResponseSchema,
    query: { state, cursor: cursor ?? undefined, limit: PAGE },
    signal,
  });
  const assets = await fetchAssets(
    page.data.map(({ fileId }) => fileId),
    signal,
  );
  return {
    images: page.data.map((entry) => ({ entry, asset: assets.get(entry.fileId) ?? null })),
    nextCursor: page.meta.nextCursor,
  };
}

/** The files among them that the role may see. */
async function fetchAssets(
  ids: readonly number[],
  signal: AbortSignal,
): Promise<Map<number, Asset>> {
  if (ids.length === 0) return new Map();
  const query = {
    pageSize: ids.length,
    ...Object.fromEntries(ids.map((id, index) => [`filters[id][$in][${String(index)}]`, id])),
  };
  try {
    const { results } = await strapiApi.get('/upload/files', {
      schema: filesSchema,
      query,
      signal,
    });
    return new Map(results.map((asset) => [asset.id, asset]));
  } catch (error) {
    // Managing the index doesn't require access to the Media Library.
    if (signal.aborted) throw error;
    return new Map();
  }
}
