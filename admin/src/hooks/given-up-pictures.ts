import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { fetchGivenUp, type GivenUpState } from '../api/management';
import { givenUpKey } from './index-actions';

/**
 * Pictures that were failed or skipped, page by page.
 *
 * @param count how many there are now: another number, another list
 */
export function useGivenUpPictures(state: GivenUpState, count: number) {
  const { data, error, hasNextPage, isFetchingNextPage, fetchNextPage, refetch } = useInfiniteQuery(
    {
      queryKey: [...givenUpKey, state, count],
      initialPageParam: null as number | null,
      queryFn: ({ pageParam, signal }) => fetchGivenUp({ state, cursor: pageParam }, signal),
      getNextPageParam: ({ nextCursor }) => nextCursor,
      enabled: count > 0,
      placeholderData: keepPreviousData,
    },
  );
  return {
    /** Null until they are known. */
    pictures: count === 0 ? [] : (data?.pages.flatMap((page) => page.pictures) ?? null),
    error,
    readAgain: () => void refetch(),
    hasMore: hasNextPage,
    isLoadingMore: isFetchingNextPage,
    loadMore: () => void fetchNextPage(),
  };
}
