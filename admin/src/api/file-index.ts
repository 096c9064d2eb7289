import {
  fileIndexResponseSchema,
  type FileIndexResponse,
} from '../../../plugin/src/contracts/file-index';
import { pluginApi } from './client';

export type FileIndex = FileIndexResponse['data'];

/** Whether searches find a file, and if not, why. */
export async function fetchFileIndex(fileId: number, signal: AbortSignal): Promise<FileIndex> {
  const { data } = await pluginApi.get(`/files/${String(fileId)}/index`, {
    schema: fileIndexResponseSchema,
    signal,
  });
  return data;
}
