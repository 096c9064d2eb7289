import { useNotification } from '@strapi/strapi/admin';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import type { MergeRecord } from '../../../plugin/src/contracts/merging';
import { emptyMerge, fetchMerges, undoMerge } from '../api/duplicates';
import { groupKeys, mergePlanKeys } from './duplicates';
import { useFailureText } from './failure-text';
import { useText } from './text';

export const mergesKey = ['duplicate-merges'] as const;

/** Merges, newest first, page by page. */
export function useMerges() {
  const query = useInfiniteQuery({
    queryKey: mergesKey,
    queryFn: ({ pageParam, signal }) => fetchMerges(pageParam, signal),
    initialPageParam: 1,
    getNextPageParam: ({ meta: { pagination } }) =>
      pagination.page < pagination.pageCount ? pagination.page + 1 : undefined,
    // Another user may have merged since.
    staleTime: 0,
  });
  const merges = query.data?.pages.flatMap(({ data }) => data) ?? [];
  return {
    /** Without repeats: a merge in the meantime moves others to the next page. */
    merges: [...new Map(merges.map((merge) => [merge.id, merge])).values()],
    isLoading: query.isPending,
    error: query.error,
    hasMore: query.hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => void query.fetchNextPage(),
    reload: () => void query.refetch(),
  };
}

/** Whether a copy can be deleted before its time. */
export function isInTrash({ state }: MergeRecord['copies'][number]): boolean {
  return state === 'trashed' || state === 'emptying';
}

interface Notice {
  type: 'success' | 'warning';
  message: string;
}

/** Undoes a merge, or deletes its copies; each reports its outcome as a notification. */
export function useMergeActions() {
  const text = useText();
  return {
    undo: useMergeAction(undoMerge, ({ undo }) => ({
      type: 'success',
      message: text('duplicates.notice.unmerged', {
        uses: undo?.restoredUses ?? 0,
        changed: undo?.unrestoredCount ?? 0,
      }),
    })),
    empty: useMergeAction(emptyMerge, ({ copies }, before: MergeRecord) => {
      const asked = new Set(before.copies.filter(isInTrash).map(({ fileId }) => fileId));
      const settled = copies.filter(({ fileId }) => asked.has(fileId));
      const isDeleted = ({ reason, state }: (typeof copies)[number]): boolean =>
        state === 'deleted' && reason !== 'deleted-by-hand';
      const count = settled.filter(isDeleted).length;
      const left = settled.filter(({ state }) => state !== 'deleted').length;
      return {
        type: count > 0 ? 'success' : 'warning',
        message: text('duplicates.notice.emptied', { count, left }),
      };
    }),
  };
}

/** @param notice what to say of the record after the action and the one before */
function useMergeAction<Merge extends { id: number }>(
  act: (mergeId: number) => Promise<MergeRecord>,
  notice: (record: MergeRecord, before: Merge) => Notice,
) {
  const client = useQueryClient();
  const { toggleNotification } = useNotification();
  const failureText = useFailureText({ forbidden: 'duplicates.failure.forbidden' });
  return useMutation({
    mutationFn: ({ id }: Merge) => act(id),
    onSuccess: (record, before) => {
      toggleNotification(notice(record, before));
    },
    onError: (failure) => {
      toggleNotification({ type: 'danger', message: failureText(failure) });
    },
    onSettled: () =>
      Promise.all(
        [mergesKey, groupKeys.all, mergePlanKeys.all].map((queryKey) =>
          client.invalidateQueries({ queryKey }),
        ),
      ),
  });
}
