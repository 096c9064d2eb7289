import {
  mergeBatchesResponseSchema,
  mergeBatchResponseSchema,
  type BatchKind,
  type MergeBatch,
} from '../../../plugin/src/contracts/bulk-merging';
import { pluginApi } from './client';

/** Bulk merges, newest first. */
export async function fetchMergeBatches(signal: AbortSignal): Promise<MergeBatch[]> {
  const { data } = await pluginApi.get('/duplicates/batches', {
    schema: mergeBatchesResponseSchema,
    signal,
  });
  return data;
}

/** Starts to find out what a bulk merge would do. */
export async function planMergeBatch(kind: BatchKind): Promise<MergeBatch | null> {
  const { data } = await pluginApi.post('/duplicates/batches', {
    schema: mergeBatchResponseSchema,
    body: { kind },
  });
  return data;
}

/** Null once it was discarded. */
export async function changeMergeBatch(
  id: number,
  action: 'merge' | 'cancel' | 'undo',
): Promise<MergeBatch | null> {
  const { data } = await pluginApi.post(`/duplicates/batches/${String(id)}/${action}`, {
    schema: mergeBatchResponseSchema,
  });
  return data;
}
