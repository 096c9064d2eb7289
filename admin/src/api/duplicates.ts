import * as z from 'zod';
import {
  reviewResponseSchema,
  duplicatesResponseSchema,
  scanResponseSchema,
  type DuplicateGroupView,
  type DuplicatePairView,
  type ScanResponse,
} from '../../../plugin/src/contracts/duplicates';
import {
  mergeRecordResponseSchema,
  mergeResponseSchema,
  mergesResponseSchema,
  type MergeRecord,
  type MergeReport,
  type MergesResponse,
} from '../../../plugin/src/contracts/merging';
import { assetSchema } from './asset';
import { pluginApi } from './client';

export type DuplicateKind = DuplicatePairView['kind'];
export type PairStatus = DuplicatePairView['status'];
export type Scan = ScanResponse['data'];

const groupSchema = duplicatesResponseSchema.shape.data.element.extend({
  files: z.array(assetSchema),
});
const groupPageSchema = duplicatesResponseSchema.extend({ data: z.array(groupSchema) });

export type Pair = DuplicateGroupView['pairs'][number];
/** Files that are duplicates of each other, and the pairs between them. */
export type Group = z.output<typeof groupSchema>;
export type GroupPage = z.output<typeof groupPageSchema>;

/** Which groups a list shows. */
export interface GroupFilter {
  status: PairStatus;
  /** Null for all kinds. */
  kind: DuplicateKind | null;
}

export interface MergeRequest {
  fileIds: readonly number[];
  /** Null to let the server choose. */
  keepId: number | null;
}

export function fetchGroups(
  { status, kind, ...place }: GroupFilter & { cursor?: number | undefined; pair?: number },
  signal: AbortSignal,
): Promise<GroupPage> {
  return pluginApi.get('/duplicates', {
    schema: groupPageSchema,
    query: { status, kind: kind ?? undefined, ...place },
    signal,
  });
}

/** The numbers of groups in the whole library, by status; null for users who see only a part of it. */
export async function fetchCounts(signal?: AbortSignal): Promise<GroupPage['meta']['counts']> {
  const { meta } = await pluginApi.get('/duplicates', {
    schema: duplicatesResponseSchema,
    query: { limit: 1 },
    ...(signal && { signal }),
  });
  return meta.counts;
}

/** Ignores a pair, or reopens it. */
export async function setPairStatus(pairId: number, status: 'open' | 'ignored'): Promise<Pair> {
  const { data } = await pluginApi.post(`/duplicates/${String(pairId)}/review`, {
    schema: reviewResponseSchema,
    body: { status },
  });
  return data;
}

/** A dry run. */
export function planMerge(request: MergeRequest, signal: AbortSignal): Promise<MergeReport> {
  return postMerge(request, { dryRun: true, signal });
}

export function performMerge(request: MergeRequest): Promise<MergeReport> {
  return postMerge(request, { dryRun: false });
}

async function postMerge(
  { fileIds, keepId }: MergeRequest,
  { dryRun, signal }: { dryRun: boolean; signal?: AbortSignal },
): Promise<MergeReport> {
  const { data } = await pluginApi.post('/duplicates/merge', {
    schema: mergeResponseSchema,
    body: { fileIds, dryRun, ...(keepId !== null && { keepId }) },
    ...(signal && { signal }),
  });
  return data;
}

/** A page of merges, newest first; the first page is 1. */
export function fetchMerges(page: number, signal: AbortSignal): Promise<MergesResponse> {
  return pluginApi.get('/duplicates/merges', {
    schema: mergesResponseSchema,
    query: { page },
    signal,
  });
}

export function undoMerge(mergeId: number): Promise<MergeRecord> {
  return postToMerge(mergeId, 'undo');
}

/** Deletes a merge's copies in the trash. */
export function emptyMerge(mergeId: number): Promise<MergeRecord> {
  return postToMerge(mergeId, 'empty');
}

async function postToMerge(mergeId: number, action: 'undo' | 'empty'): Promise<MergeRecord> {
  const { data } = await pluginApi.post(`/duplicates/merges/${String(mergeId)}/${action}`, {
    schema: mergeRecordResponseSchema,
  });
  return data;
}

const scanRequest = { schema: scanResponseSchema };

/** The scan of the whole library. `start` resumes a stopped one. */
export const scanApi = {
  read: async (signal: AbortSignal): Promise<Scan> =>
    (await pluginApi.get('/duplicates/scan', { ...scanRequest, signal })).data,
  start: async (): Promise<Scan> => (await pluginApi.post('/duplicates/scan', scanRequest)).data,
  stop: async (): Promise<Scan> => (await pluginApi.delete('/duplicates/scan', scanRequest)).data,
};
