import {
  fileUsageResponseSchema,
  type FileUsageResponse,
} from '../../../plugin/src/contracts/merging';
import { pluginApi } from './client';

/** Every place that uses a file. */
export function fetchFileUsage(fileId: number, signal: AbortSignal): Promise<FileUsageResponse> {
  return pluginApi.get(`/files/${String(fileId)}/usage`, {
    schema: fileUsageResponseSchema,
    signal,
  });
}
