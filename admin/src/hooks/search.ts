import { keepPreviousData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { apiLimits } from '../../../plugin/src/contracts/limits';
import { search, type SearchFields } from '../api/search';
import { libraryKeys } from './library';

/** A picture that is searched with and is not in the library. */
export interface QueryPicture {
  /** Names it for as long as the browser tab is open. */
  key: string;
  name: string;
  blob: Blob;
  /** A data URL to show it by; null for a format that the browser cannot draw. */
  preview: string | null;
}

export const searchKey = ['search'] as const;

/**
 * Best matches first, page by page. What belongs to an earlier question is given up as soon as the question changes; its
 * results are shown until the new ones are there.
 *
 * @param fields null for no question
 */
export function useSearch(fields: SearchFields | null, picture: QueryPicture | null) {
  const queryClient = useQueryClient();
  const answer = useInfiniteQuery({
    queryKey: [...searchKey, fields, picture?.key ?? null],
    enabled: fields !== null,
    initialPageParam: 0,
    queryFn: ({ pageParam, signal }) =>
      search({
        fields: fields ?? {},
        picture: picture?.blob ?? null,
        pagination: { start: pageParam, limit: apiLimits.maxLimit },
        signal,
      }),
    getNextPageParam: ({ meta: { pagination } }) => {
      const next = pagination.start + pagination.limit;
      return pagination.hasMore && next <= apiLimits.maxStart ? next : undefined;
    },
    placeholderData: keepPreviousData,
  });

  // Whoever takes one of these for an example need not ask for it.
  useEffect(() => {
    for (const { file } of answer.data?.pages.at(-1)?.data ?? []) {
      queryClient.setQueryData(libraryKeys.asset(file.id), file);
    }
  }, [answer.data, queryClient]);

  return answer;
}
