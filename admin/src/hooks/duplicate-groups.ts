import { useInfiniteQuery, type InfiniteData } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import {
  fetchGroups,
  type Group,
  type GroupFilter,
  type GroupPage,
  type Pair,
  type PairStatus,
} from '../api/duplicates';

export type GroupList = InfiniteData<GroupPage>;
export type Counts = NonNullable<GroupPage['meta']['counts']>;

const ALL_LISTS = 'duplicate-groups';

export const groupKeys = {
  all: [ALL_LISTS] as const,
  ofStatus: (status: PairStatus) => [ALL_LISTS, status] as const,
  list: ({ status, kind }: GroupFilter) => [ALL_LISTS, status, kind] as const,
};

/**
 * Groups, newest first, as many pages of them as were asked for.
 *
 * @param wantedPair id of a pair whose group stands first when it is not on the first page anyway
 */
export function useDuplicateGroups(filter: GroupFilter, wantedPair: number | null) {
  const query = useInfiniteQuery({
    queryKey: groupKeys.list(filter),
    queryFn: async ({ pageParam, signal }) => {
      const page = await fetchGroups({ ...filter, cursor: pageParam ?? undefined }, signal);
      if (pageParam !== null || wantedPair === null || groupWith(page.data, wantedPair))
        return page;
      const { data } = await fetchGroups({ ...filter, pair: wantedPair }, signal);
      return { ...page, data: [...data, ...page.data] };
    },
    initialPageParam: null as number | null,
    getNextPageParam: ({ meta }) => meta.nextCursor,
  });
  const groups = groupsOf(query.data);
  const { refetch, fetchNextPage, hasNextPage, isFetching } = query;
  // A page may be empty though it is not the last.
  const isMoreWanted = groups.length === 0 && hasNextPage && !isFetching;
  useEffect(() => {
    if (isMoreWanted) void fetchNextPage();
  }, [isMoreWanted, fetchNextPage]);
  const reload = useCallback(() => void refetch(), [refetch]);
  return {
    groups,
    counts: query.data?.pages[0]?.meta.counts ?? null,
    isLoading: query.isPending,
    isLoaded: query.data !== undefined,
    error: query.error,
    hasMore: hasNextPage,
    isLoadingMore: query.isFetchingNextPage,
    loadMore: () => {
      if (hasNextPage && !isFetching) void fetchNextPage();
    },
    reload,
  };
}

/** Each pair is in one group; a group keeps the id of its newest when that is decided. */
export function groupWith(groups: readonly Group[], pairId: number): Group | undefined {
  return groups.find(({ id, pairs }) => id === pairId || pairs.some((pair) => pair.id === pairId));
}

/** A group that moved from one page to the next between two requests is shown once. */
function groupsOf(list: GroupList | undefined): Group[] {
  const groups = list?.pages.flatMap(({ data }) => data) ?? [];
  return [...new Map(groups.map((group) => [group.id, group])).values()];
}

/** The list after pairs of a group were decided: what stays of the group, if it still is one. */
export function withoutPairs(list: GroupList, group: Group, pairs: readonly Pair[]): GroupList {
  const decided = new Set(pairs.map(({ id }) => id));
  return mapGroups(list, (groups) =>
    groups.flatMap((one) => (one.id === group.id ? remainderOf(one, decided) : [one])),
  );
}

function remainderOf(group: Group, decided: ReadonlySet<number>): Group[] {
  const pairs = group.pairs.filter(({ id }) => !decided.has(id));
  const joined = new Set(pairs.flatMap(({ fileA, fileB }) => [fileA, fileB]));
  const files = group.files.filter(({ id }) => joined.has(id));
  return pairs.length > 0 ? [{ ...group, files, pairs }] : [];
}

/** The list with a group where it belongs: newest first. */
export function withGroup(list: GroupList, group: Group): GroupList {
  const cleared = mapGroups(list, (groups) => groups.filter(({ id }) => id !== group.id));
  const place = cleared.pages.findIndex(({ data }) => data.some(({ id }) => id < group.id));
  const target = place === -1 ? cleared.pages.length - 1 : place;
  const pages = cleared.pages.map((page, index) => {
    if (index !== target) return page;
    return { ...page, data: [...page.data, group].sort((one, other) => other.id - one.id) };
  });
  return { ...cleared, pages };
}

/** The list after files were deleted: what stays of each group, if it still is one. */
export function withoutFiles(list: GroupList, fileIds: readonly number[]): GroupList {
  const gone = new Set(fileIds);
  return mapGroups(list, (groups) =>
    groups.flatMap((group) => {
      if (!group.files.some(({ id }) => gone.has(id))) return [group];
      const files = group.files.filter(({ id }) => !gone.has(id));
      const pairs = group.pairs.filter(({ fileA, fileB }) => !gone.has(fileA) && !gone.has(fileB));
      return pairs.length > 0 ? [{ ...group, files, pairs }] : [];
    }),
  );
}

/** The list with pairs counted under another status. */
export function withMovedCounts(
  list: GroupList,
  { from, to, pairs }: { from: PairStatus; to: PairStatus; pairs: number },
): GroupList {
  const pages = list.pages.map((page) => {
    const { counts } = page.meta;
    if (counts === null) return page;
    const moved = {
      ...counts,
      [from]: Math.max(0, counts[from] - pairs),
      [to]: counts[to] + pairs,
    };
    return { ...page, meta: { ...page.meta, counts: moved } };
  });
  return { ...list, pages };
}

function mapGroups(list: GroupList, change: (groups: Group[]) => Group[]): GroupList {
  return { ...list, pages: list.pages.map((page) => ({ ...page, data: change(page.data) })) };
}
