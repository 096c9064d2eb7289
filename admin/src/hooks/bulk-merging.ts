import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import type { MergeBatch } from '../../../plugin/src/contracts/bulk-merging';
import { changeMergeBatch, fetchMergeBatches, planMergeBatch } from '../api/bulk-merging';
import { groupKeys, mergePlanKeys } from './duplicates';
import { mergesKey } from './merges';

const batchesKey = ['merge-batches'] as const;
const POLL_EVERY_MS = 1_000;

/** Whether the server is working on it. */
export function isActive({ state }: MergeBatch): boolean {
  return state === 'planning' || state === 'merging' || state === 'undoing';
}

/** Bulk merges, polled while one is under way; what it changes is reloaded when it ends. */
export function useMergeBatches() {
  const client = useQueryClient();
  const { data = [] } = useQuery({
    queryKey: batchesKey,
    queryFn: ({ signal }) => fetchMergeBatches(signal),
    // Another user may have started one.
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.some(isActive) === true ? POLL_EVERY_MS : false),
  });
  const isChanging = data.some(({ state }) => state === 'merging' || state === 'undoing');
  const wasChanging = useRef(false);
  useEffect(() => {
    if (wasChanging.current && !isChanging) {
      for (const queryKey of [groupKeys.all, mergesKey, mergePlanKeys.all]) {
        void client.invalidateQueries({ queryKey });
      }
    }
    wasChanging.current = isChanging;
  }, [client, isChanging]);
  const onSettled = () => client.invalidateQueries({ queryKey: batchesKey });
  return {
    batches: data,
    plan: useMutation({ mutationFn: planMergeBatch, onSettled }),
    change: useMutation({
      mutationFn: ({ id, action }: { id: number; action: 'merge' | 'cancel' | 'undo' }) =>
        changeMergeBatch(id, action),
      onSettled,
    }),
  };
}

export type MergeBatchControl = ReturnType<typeof useMergeBatches>;
