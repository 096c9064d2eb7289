import {
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
  type InfiniteData,
  type QueryClient,
} from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import {
  fetchGroups,
  planMerge,
  scanApi,
  type Group,
  type GroupFilter,
  type GroupPage,
  type MergeRequest,
  type Pair,
  type PairStatus,
} from '../api/duplicates';

export type GroupList = InfiniteData<GroupPage>;
export type Counts = NonNullable<GroupPage['meta']['counts']>;

const ALL_LISTS = 'duplicate-groups';

export const groupKeys = {
  all: [ALL_LISTS] as const,
  list: ({ status, kind }: GroupFilter) => [ALL_LISTS, status, kind] as const,
};

/**
 * Groups, newest first, page by page.
 *
 * @param wantedPair id of a pair whose group comes first if the first page lacks it
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
  // An empty page needn't be the last one.
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

/** Finds a group by one of its pairs; its id is the one of its newest pair, even once that is reviewed. */
export function groupWith(groups: readonly Group[], pairId: number): Group | undefined {
  return groups.find(({ id, pairs }) => id === pairId || pairs.some((pair) => pair.id === pairId));
}

/** Drops repeats: a group may move to the next page between two requests. */
function groupsOf(list: GroupList | undefined): Group[] {
  const groups = list?.pages.flatMap(({ data }) => data) ?? [];
  return [...new Map(groups.map((group) => [group.id, group])).values()];
}

/** The list after pairs of a group were reviewed; the group stays while it has other pairs. */
export function withoutPairs(list: GroupList, group: Group, pairs: readonly Pair[]): GroupList {
  const reviewed = new Set(pairs.map(({ id }) => id));
  return mapGroups(list, (groups) =>
    groups.flatMap((one) => (one.id === group.id ? remainderOf(one, reviewed) : [one])),
  );
}

function remainderOf(group: Group, reviewed: ReadonlySet<number>): Group[] {
  const pairs = group.pairs.filter(({ id }) => !reviewed.has(id));
  const joined = new Set(pairs.flatMap(({ fileA, fileB }) => [fileA, fileB]));
  const files = group.files.filter(({ id }) => joined.has(id));
  return pairs.length > 0 ? [{ ...group, files, pairs }] : [];
}

/** The list with a group inserted in order, newest first. */
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

/** The list after files were deleted; a group stays while it has pairs. */
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

/** The list with its groups that left it, or came back to it, counted under another status. */
export function withMovedCounts(
  list: GroupList,
  { from, to, before }: { from: PairStatus; to: PairStatus; before: GroupList },
): GroupList {
  const moved = groupsOf(before).length - groupsOf(list).length;
  return mapCounts(list, (counts) => ({
    ...counts,
    [from]: Math.max(0, counts[from] - moved),
    [to]: Math.max(0, counts[to] + moved),
  }));
}

/** The list with other counts; as it is while they are unknown. */
export function mapCounts(list: GroupList, change: (counts: Counts) => Counts): GroupList {
  const pages = list.pages.map((page) => {
    const { counts } = page.meta;
    return counts === null ? page : { ...page, meta: { ...page.meta, counts: change(counts) } };
  });
  return { ...list, pages };
}

function mapGroups(list: GroupList, change: (groups: Group[]) => Group[]): GroupList {
  return { ...list, pages: list.pages.map((page) => ({ ...page, data: change(page.data) })) };
}

const FRESH_FOR_MS = 60_000;

export const mergePlanKeys = {
  all: ['merge-plan'] as const,
  of: ({ fileIds, keepId }: MergeRequest) =>
    [...mergePlanKeys.all, [...fileIds].sort((one, other) => one - other), keepId] as const,
};

function planOptions(request: MergeRequest) {
  return {
    queryKey: mergePlanKeys.of(request),
    queryFn: ({ signal }: { signal: AbortSignal }) => planMerge(request, signal),
    staleTime: FRESH_FOR_MS,
  };
}

/** What a merge of these files would do. Sends nothing for fewer than two. */
export function useMergePlan(request: MergeRequest, { isFresh = false } = {}) {
  return useQuery({
    ...planOptions(request),
    enabled: request.fileIds.length > 1,
    // A plan that is about to be confirmed must be current.
    ...(isFresh && { staleTime: 0 }),
  });
}

export function prefetchMergePlan(client: QueryClient, request: MergeRequest): void {
  if (request.fileIds.length < 2) return;
  // Whichever component needs the plan requests it again and reports the failure.
  client.query(planOptions(request)).catch(() => null);
}

const POLL_EVERY_MS = 2_000;
const scanKey = ['duplicate-scan'] as const;

/** The scan of the whole library, polled while it runs. */
export function useDuplicateScan() {
  const client = useQueryClient();
  const { data } = useQuery({
    queryKey: scanKey,
    queryFn: ({ signal }) => scanApi.read(signal),
    refetchInterval: ({ state }) => (state.data?.state === 'running' ? POLL_EVERY_MS : false),
  });
  const control = useMutation({
    mutationFn: (action: 'start' | 'stop') => scanApi[action](),
    onSuccess: (scan) => {
      client.setQueryData(scanKey, scan);
    },
  });
  return {
    /** Null while unknown. */
    scan: data ?? null,
    start: () => {
      control.mutate('start');
    },
    stop: () => {
      control.mutate('stop');
    },
    isBusy: control.isPending,
    error: control.error,
  };
}
