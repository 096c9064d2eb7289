import * as z from 'zod';
import { fileDuplicatesResponseSchema } from '../../../plugin/src/contracts/duplicates';
import {
  fileColorsResponseSchema,
  fileIndexResponseSchema,
  type FileIndexResponse,
  type ImageColors,
} from '../../../plugin/src/contracts/file-status';
import {
  fileUsageResponseSchema,
  type FileUsageResponse,
} from '../../../plugin/src/contracts/merging';
import { assetSchema } from './asset';
import { fetchFile, pluginApi } from './client';
import type { SearchHit } from './search';

export type FileIndex = FileIndexResponse['data'];

/** Whether searches find a file, and if not, why. */
export async function fetchFileIndex(fileId: number, signal: AbortSignal): Promise<FileIndex> {
  const { data } = await pluginApi.get(`/files/${String(fileId)}/index`, {
    schema: fileIndexResponseSchema,
    signal,
  });
  return data;
}

/** The dominant colors of an image; none if they aren't known. */
export async function fetchFileColors(fileId: number, signal: AbortSignal): Promise<ImageColors> {
  const { data } = await pluginApi.get(`/files/${String(fileId)}/colors`, {
    schema: fileColorsResponseSchema,
    signal,
  });
  return data;
}

/** A small image of a file that browsers don't show as one; null if there is none. */
export function fetchPreview(
  fileId: number,
  { view, signal }: { view: SearchHit['view']; signal: AbortSignal },
): Promise<Blob | null> {
  const query = view && view.kind !== 'part' ? { [view.kind]: view.number } : {};
  return fetchFile(`/previews/${String(fileId)}`, { query, signal });
}

/** Every entry that uses a file. */
export function fetchFileUsage(fileId: number, signal?: AbortSignal): Promise<FileUsageResponse> {
  return pluginApi.get(`/files/${String(fileId)}/usage`, {
    schema: fileUsageResponseSchema,
    ...(signal && { signal }),
  });
}

const fileDuplicateSchema = fileDuplicatesResponseSchema.shape.data.element.extend({
  file: assetSchema,
});
const fileDuplicatesSchema = z.object({ data: z.array(fileDuplicateSchema) });

/** A duplicate of the file asked for. */
export type FileDuplicate = z.output<typeof fileDuplicateSchema>;

/** The open duplicates of a file. */
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
