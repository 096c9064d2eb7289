import * as z from 'zod';
import {
  decisionResponseSchema,
  duplicatesResponseSchema,
  fileDuplicatesResponseSchema,
  scanResponseSchema,
  type DuplicateGroupView,
  type DuplicatePairView,
  type ScanResponse,
} from '../../../plugin/src/contracts/duplicates';
import { mergeResponseSchema, type MergeReport } from '../../../plugin/src/contracts/merging';
import { assetSchema } from './asset';
import { pluginApi } from './client';

export type DuplicateKind = DuplicatePairView['kind'];
export type PairStatus = DuplicatePairView['status'];
export type Scan = ScanResponse['data'];

const groupSchema = duplicatesResponseSchema.shape.data.element.extend({
  files: z.array(assetSchema),
});
const groupPageSchema = duplicatesResponseSchema.extend({ data: z.array(groupSchema) });

const fileDuplicateSchema = fileDuplicatesResponseSchema.shape.data.element.extend({
  file: assetSchema,
});
const fileDuplicatesSchema = z.object({ data: z.array(fileDuplicateSchema) });

/** Another file that shows the same as the one asked for. */
export type FileDuplicate = z.output<typeof fileDuplicateSchema>;

export type Pair = DuplicateGroupView['pairs'][number];
/** Files that were found to show the same, and what was found between them. */
export type Group = z.output<typeof groupSchema>;
export type GroupPage = z.output<typeof groupPageSchema>;

/** Which groups a list shows. */
export interface GroupFilter {
  status: PairStatus;
  /** Null for all of them. */
  kind: DuplicateKind | null;
}

export interface MergeRequest {
  fileIds: readonly number[];
  /** Null for the file that the server suggests. */
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

/** What a file was found to be a duplicate of. */
export async function fetchFileDuplicates(
  fileId: number,
  signal: AbortSignal,
): Promise<FileDuplicate[]> {
  const { data } = await pluginApi.get(`/files/${String(fileId)}/duplicates`, {
    schema: fileDuplicatesSchema,
    signal,
  });
  return data;
}

/** Says that a pair is none (`ignored`), or takes that back (`open`). */
export async function decide(pairId: number, status: 'open' | 'ignored'): Promise<Pair> {
  const { data } = await pluginApi.post(`/duplicates/${String(pairId)}/decision`, {
    schema: decisionResponseSchema,
    body: { status },
  });
  return data;
}

/** What a merge would do now; writes nothing. */
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

const scanRequest = { schema: scanResponseSchema };

/** The comparison of the whole library: how far it is, to start it (or let it go on), to stop it. */
export const scanApi = {
  read: async (signal: AbortSignal): Promise<Scan> =>
    (await pluginApi.get('/duplicates/scan', { ...scanRequest, signal })).data,
  start: async (): Promise<Scan> => (await pluginApi.post('/duplicates/scan', scanRequest)).data,
  stop: async (): Promise<Scan> => (await pluginApi.delete('/duplicates/scan', scanRequest)).data,
};
