import { useNotification } from '@strapi/strapi/admin';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import type { MergeRecord } from '../../../plugin/src/contracts/merging';
import { emptyMerge, fetchMerges, undoMerge } from '../api/duplicates';
import { groupKeys, mergePlanKeys } from './duplicates';
import { useFailureText } from './failure-text';
import { useText } from './text';

const mergesKey = ['duplicate-merges'] as const;

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

/** Undoes a merge, or deletes its copies; each reports its outcome as a notification. */
export function useMergeActions() {
  const text = useText();
  return {
    undo: useMergeAction(undoMerge, ({ undo }) =>
      text('duplicates.notice.unmerged', {
        uses: undo?.restoredUses ?? 0,
        changed: undo?.unrestoredCount ?? 0,
      }),
    ),
    empty: useMergeAction(emptyMerge, ({ copies }) =>
      text('duplicates.notice.emptied', {
        count: copies.filter(({ state }) => state === 'deleted').length,
        left: copies.filter(({ state }) => state === 'left' || state === 'emptying').length,
      }),
    ),
  };
}

function useMergeAction(
  act: (mergeId: number) => Promise<MergeRecord>,
  notice: (record: MergeRecord) => string,
) {
  const client = useQueryClient();
  const { toggleNotification } = useNotification();
  // The server's own words for a conflict name the files.
  const failureText = useFailureText({ forbidden: 'duplicates.failure.forbidden' });
  return useMutation({
    mutationFn: act,
    onSuccess: (record) => {
      toggleNotification({ type: 'success', message: notice(record) });
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
